trap 'exit 0' TERM
echo "$GREETING" > /www/greeting.txt
httpd -f -p 8080 -h /www &
wait
