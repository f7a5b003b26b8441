#!/bin/sh
set -e
echo "create the second user"
