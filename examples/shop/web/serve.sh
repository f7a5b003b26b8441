#!/bin/sh
# A shell comes first, because httpd alone does not end when it is asked to.
trap 'exit 0' TERM
echo "web: serving"
httpd -f -p 8080 -h /www &
wait
