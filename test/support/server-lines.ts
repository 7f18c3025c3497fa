/** Command lines whose words for a server are compared with the real rsync's. A line may begin with `NAME=value` of the environment. */
const LINES = `

-a
-avvvvvvvvvvvz
-aq
-vqv
-ab --backup-dir=bd --suffix=.x
-b --backup-dir=b/ --suffix=~
--suffix=~ --backup-dir=b
--suffix=x*y
--backup-dir=a*b
-aunIc
-d
-dK
-d --no-dirs
-r --delete
-d --delete
-d --delete-after
-d -r --delete
-aLk
-a --no-l -k
-aKmOJyy
-yyy --link-dest=x
-ay --no-y
-aW
-a --no-W
-aHHH
-aD --no-specials
-a --no-devices
-a --no-D
--specials
--devices
-UUU
-aU
-U --open-noatime
-UU --open-noatime
--open-noatime
-aE
-rE
-A --no-perms
-aHAX
-aXXX
-axxx
-aS
-az
-zz
-a --zc=zlib
-a --zc=ZLIB
-a --zc=zlibx
-a --zc=zstd
-a --zc=ZSTD
-a --zc=none
-az --zc=none --zl=3
-az --zc=auto
-a --zc=auto
-z --zc=lz4 --zl=3
-az --old-compress --zl=9
-az --new-compress
-z --zc=zlib --no-z
--no-z --zc=zlib
--zl=-3
-az --skip-compress=gz/jpg --zt=4
--skip-compress=
-i
-ii
-aiv
-ai --no-i -v
-ii --out-format=%i
-ii --out-format=%n
-av --out-format=%o
-a --out-format=%o
-av --out-format=%n
-a --out-format=%n
-a --out-format=%%i
-a --out-format=%-10i
-a --out-format=%'i
-a --out-format=%n%o%i
-a --out-format=x%
-aq --out-format=%n
-aq -i
-ai --log-file=/dev/null
-a --log-file=/dev/null --log-file-format=%o
-a -P
-q --progress
--inplace -P
--append --partial
-a --progress --info=name0
-a --partial --partial-dir=pp
--partial-dir=.
--partial --delay-updates
-a --delay-updates --partial-dir=zz
RSYNC_PARTIAL_DIR=.pp -a --partial
--inplace -S
--no-W --inplace -S
--inplace -SW
--append
--append-verify
--append --append
-azR --no-implied-dirs
-a --no-implied-dirs
-a --del
-a --delete-before
-a --delete-after
-a --delete-delay
-a --delete-excluded
-a --delete-excluded --delete-after
-a --max-delete=0
-a --delete --max-delete=5
-a --delete --max-delete=-5
--max-delete=
-a --min-size=1k --max-size=2M
--max-size=
-a --delete --force --ignore-errors
-a --super
-a --no-super
-a --size-only
-a --stats -vv
-a --ignore-missing-args
-a --delete-missing-args
-a --modify-window=010
-a -@-7
-a --checksum-seed=-5
-a --copy-unsafe-links --safe-links
-a --numeric-ids
-r --qsort
-a --usermap=a:b --groupmap=*:c
--chown=x:y
--chown=:y
-a --ignore-existing --existing
-a -T/tmp
--temp-dir=
-a --fsync
-a --compare-dest=x --compare-dest=y
-a --link-dest=x
-a --copy-dest=x*
-a --info=name2
-a --info=all2
-a --info=progress2
-a --info=none
-a --info=all9,del0
-a --info=NAME2,DEL,FLIST2
-a --info=backup,copy,del,misc,mount,name,nonreg,skip,stats,symsafe
-a --info=backup2,copy2,del2,flist2,misc2,mount2,name2,nonreg2,progress2,remove2,skip2,stats2
-a --info=all2,backup0,copy0,del0,flist0,misc0,mount0,name0
-a --info=all2,backup0,copy0,del0,flist0,misc0,mount0
-a --info=all2,backup1,copy1,del1,flist0,misc0,mount0,name0
-a --info=all1,name2,stats2
-av --info=none,name1
-avv --info=name2
-aq --info=name
-a --debug=all4
-a --files-from=/dev/null
-a --files-from=h:names
-a --files-from=:na*mes -0
-d --files-from=/dev/null
--list-only --files-from=/dev/null
-a -r --files-from=/dev/null
-a --write-devices
-a --copy-devices
-a --preallocate --mkpath
-a --remove-source-files
--remove-source-files --remove-sent-files
-a -M--log-file=x -M-v
-a --iconv=.
-a --iconv=utf8,latin1
-a --iconv=-
RSYNC_ICONV=utf8,latin1 -a
-s -a
RSYNC_PROTECT_ARGS=1 -a
-s -av --delete --suffix=a*b -M--foo --iconv=utf8,latin1
-s -aB700 --files-from=:x*
-a --trust-sender
-a --timeout=0x10
-a --timeout=-1
-a --bwlimit=1m
-a --bwlimit=1500b
-a --bwlimit=1600b
-a --bwlimit=0
-a -B700
-B131072
-a --max-alloc=2g
-a --max-alloc=1024m
-a --max-alloc=0
RSYNC_MAX_ALLOC=3g -a
-a --cc=MD5
-a --cc=md5,sha1
-a --cc=auto
-a --msgs2stderr
-a --stderr=client
-aq --stderr=client
-aq --stderr=all
-a --msgs2stderr --stderr=errors
-a --list-only
--list-only -nv
-r --list-only --no-dirs
-a --insecure-links --munge-links --chmod=u+w --drop-D
-aC -F
-a --no-i-r
-am
-a --outbuf=L -8h --no-motd -4
--old-d
-d --old-d --delete
--old-d -d
--old-d --no-r
-a --no-A
-t -A --no-A
-aA --no-p
-a --checksum-choice=none --no-W
-a --checksum-choice=none,md5
-a --files-from=/dev/null --delete-after
-aR --files-from=/dev/null --delete --no-d -r`
  .split('\n')
  .slice(1)

export type ServerLine = {
  readonly environment: { readonly [name: string]: string }
  readonly words: readonly string[]
}

export const SERVER_LINES: readonly ServerLine[] = LINES.map((line) => {
  const words = line.split(' ').filter((word) => word !== '')
  const named = words.filter((word) => /^RSYNC_\w+=/.test(word))
  const pairs = named.map((word): [string, string] => {
    const equals = word.indexOf('=')
    return [word.slice(0, equals), word.slice(equals + 1)]
  })
  return {
    environment: Object.fromEntries(pairs),
    words: words.filter((word) => !named.includes(word)),
  }
})
