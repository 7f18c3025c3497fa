'/usr/bin/node' '/work/main/dist/bin/prsync.js' --archive --read-batch='f' ${1:-'b'}
