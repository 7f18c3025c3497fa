/** prsync's daemon beside rsync's: the same configurations and commands; clients hear the same, and the logs say the same. */
import t from 'tap'
import { askDaemon, type Told } from '../support/daemon-pair.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

const ROOT = 'log file = HOME/log\nuid = root\ngid = root\n'

type Case = {
  readonly name: string
  readonly conf: string
  readonly commands: readonly string[]
  readonly options?: readonly string[]
}

const FORMAT = "log format = %o|%i|%n|%L|%f|%l|%b|%c|%C|%B|%a|%h|%m|%u|%U|%G|%P|%%|%z|%-5m|%5m|%''l"

const CASES: readonly Case[] = [
  {
    name: 'transfer logging',
    conf: `${ROOT}use chroot = no
transfer logging = yes
[m]
path = HOME/s
[w]
path = HOME/w
read only = no
[a]
path = HOME/s
auth users = joe
secrets file = HOME/secrets
[nobody]
path = HOME/s
uid = nobody
gid = nogroup
`,
    commands: [
      'rsync $AT/',
      'rsync -a $AT/m/ x1/',
      'rsync -a $AT/m/a $AT/m/d/b.gz x2/',
      'rsync -ai "$AT/m/*/" x6/',
      'rsync -an $AT/m/ x3/',
      'rsync -a s/ $AT/w/',
      'rm -r s/d; rsync -a --delete s/ $AT/w/',
      'rsync -ai new $AT/w/sub/',
      'rsync -rt s/ $AT/w/t',
      'RSYNC_PASSWORD=pw rsync -a rsync://joe@127.0.0.1:$PORT/a/a x4',
      'rsync -av $AT/m/none x5',
      'rsync -av $AT/nobody/closed x5',
    ],
  },
  {
    name: 'log format',
    conf: `${ROOT}use chroot = no
transfer logging = yes
${FORMAT}
[m]
path = HOME/s
[w]
path = HOME/w
read only = no
`,
    commands: [
      'rsync -aH $AT/m/ x1/',
      'echo more >> $H/s/a; touch -d @5 $H/s/a; rsync -aii $AT/m/ x1/',
      'rsync -aH s/ $AT/w/s',
      'chmod 600 s/z; ln -sfn b s/l; ln s/z s/zz; mkdir s/nd; touch -hd @7 s/l s/nd s; rsync -aHi s/ $AT/w/s',
      'rsync -aHii s/ $AT/w/s',
      'head -c 100000 /dev/zero > big; touch -d @1 big; rsync -a big $AT/w/big',
      'echo x >> big; touch -d @2 big; rsync -a big $AT/w/big',
      'rsync -a $AT/w/big y; echo y >> $H/w/big; touch -d @3 $H/w/big; rsync -a $AT/w/big y',
      'rsync -a --remove-source-files $AT/w/big .',
    ],
  },
  {
    name: '--log-file-format',
    conf: `${ROOT}use chroot = no\n[m]\npath = HOME/s\n`,
    options: ['--log-file-format=%o %n %h', '--bwlimit=1000'],
    commands: ['rsync -a $AT/m/a x'],
  },
  {
    name: 'ignore nonreadable',
    conf: `log file = HOME/log
uid = nobody
gid = nogroup
use chroot = no
ignore nonreadable = yes
[m]
path = HOME/s
`,
    commands: [
      'rsync -r $AT/m/',
      'ln -s nowhere $H/s/dangling; mkfifo -m 600 $H/s/fifo; chmod 711 $H/s/d; touch -hd @9 $H/s $H/s/dangling; rsync -a --list-only $AT/m/',
      'rsync -a --list-only $AT/m/secret $AT/m/a',
    ],
  },
  {
    name: 'use chroot',
    conf: `${ROOT}[m]
path = HOME/s
[w]
path = HOME/w
read only = no
[y]
path = HOME/w
read only = no
use chroot = yes
[munged]
path = HOME/w
read only = no
munge symlinks = yes
[built]
path = HOME/w
read only = no
use chroot = no
temp dir = /tt
`,
    commands: [
      'rsync -aL $AT/m/ x1/; find x1 | sort',
      'rsync -a $AT/m/ x2/; find x2 -type l -printf "%p %l\\n" | sort',
      'rsync -a s/ $AT/w/s/; find $H/w/s -type l -printf "%p %l\\n" | sort',
      'rsync -a s/ $AT/y/t/; find $H/w/t -type l -printf "%p %l\\n" | sort',
      'rsync -a s/ $AT/munged/u/; find $H/w/u -type l -printf "%p %l\\n" | sort',
      'rsync -a --backup --backup-dir=/bk -I s/a $AT/w/s/; ls $H/w/bk',
      'rsync -a --link-dest=/s s/ $AT/w/s2/; stat -c %h $H/w/s2/z',
      'rsync -az --zc=zlib $AT/m/ x3; rsync -az --zc=lz4 $AT/m/ x4; rsync -acAXH $AT/m/ x5; ls x3 x4 x5',
      'rsync -aAX --fake-super s/ $AT/w/fake/',
      'rsync -a --files-from=:/z $AT/m/ x6',
      `printf 'd/b.gz\\na\\n' > $H/w/list; mkdir $H/w/named; rsync -ai --files-from=:list s $AT/w/named; find $H/w/named | sort`,
      'rsync -ai --files-from=rsync://127.0.0.1:$PORT/list s $AT/w/named',
      'rsync -ai --files-from=rsync://127.0.0.1:$PORT/list $AT/w/ x8',
      'mkdir $H/w/tmp; rsync -a --temp-dir=/tmp s/z $AT/w/zt; ls $H/w',
      'mkdir $H/w/tt $H/w/built; rsync -a s/z $AT/built/built/zt; ls $H/w/built $H/w/tt',
      'rsync -a --delete --fuzzy --inplace -I s/ $AT/w/s/',
      'rsync -a $AT/m/[az] x7; ls x7',
    ],
  },
  {
    name: 'numeric ids, name converter',
    conf: `${ROOT}[m]
path = HOME/s
name converter = HOME/names
[w]
path = HOME/w
read only = no
name converter = HOME/names
[off]
path = HOME/s
numeric ids = no
use chroot = no
[on]
path = HOME/s
numeric ids = yes
use chroot = no
[rooted]
path = HOME/w
read only = no
`,
    commands: [
      'chown 1:2 $H/s/a; rsync -a $AT/m/a x1; stat -c "%U %G" x1; cat $H/asked',
      'rm $H/asked; chown 2:2 s/a; rsync -a --no-inc-recursive s/ $AT/w/t/; stat -c "%u %g" $H/w/t/a; sort $H/asked',
      'rsync -a --chown=bin:bin s/a $AT/w/q; stat -c "%u %g" $H/w/q',
      'for each in off on; do rsync -a --no-inc-recursive $AT/$each/ $each/; stat -c "%u %g" $each/a; done',
      'rsync -a --no-inc-recursive s/ $AT/rooted/5/; stat -c "%u %g" $H/w/5/a',
      'rsync -a --no-inc-recursive $AT/on/none x2',
    ],
  },
  {
    name: 'charset',
    conf: `${ROOT}charset = iso-8859-1
[rooted]
path = HOME/s
[plain]
path = HOME/w
read only = no
use chroot = no
`,
    commands: [
      "printf x > $H/s/$(printf 'caf\\351'); rsync -a --iconv=utf8 $AT/rooted/ x/; ls x",
      'printf y > na\u00efve; rsync -a --iconv=utf8,latin1 na\u00efve $AT/plain/; ls $H/w | od -c',
      'rsync -a --iconv=. $AT/rooted/caf\u00e9 y/; ls y',
      'rsync -a $AT/rooted/ z/; ls z | od -c',
    ],
  },
  {
    name: 'programs of a module',
    conf: `${ROOT}use chroot = no
[h]
path = HOME/w
read only = no
early exec = cat > HOME/early; env | grep ^RSYNC_ | grep -v PID | sort >> HOME/early
pre-xfer exec = env | grep ^RSYNC_ | grep -v PID | sort > HOME/pre; echo said
post-xfer exec = env | grep ^RSYNC_ | grep -v PID | sort > HOME/post
[early]
path = HOME/w
early exec = exit 4
pre-xfer exec = touch HOME/never
post-xfer exec = echo "$RSYNC_EXIT_STATUS $RSYNC_RAW_STATUS" > HOME/post
`,
    commands: [
      'echo early-in > in; rsync -a --early-input=in --timeout=77 s/a $AT/h/x',
      'cat $H/early $H/pre $H/post',
      'rsync -a s/a s/z $AT/h/x',
      'cat $H/post; rsync -a $AT/h/none x',
      'cat $H/post',
    ],
  },
  {
    name: 'who may come in',
    conf: `log file = HOME/log
motd file = HOME/motd
use chroot = no
reverse lookup = no
&merge HOME/conf.d
&include HOME/conf.d
uid = root
gid = root
[own]
path = HOME/%RSYNC_USER_NAME%
auth users = s joe
secrets file = HOME/secrets
[sha]
path = HOME/s
auth users = joe
auth digest = sha256
secrets file = HOME/secrets
[open]
path = HOME/s
auth users = joe
secrets file = HOME/secrets
[rules]
path = HOME/w
auth users = joe:rw ann:deny bob:ro
secrets file = HOME/secrets
[named]
path = HOME/s
reverse lookup = yes
hosts allow = localhost
forward lookup = no
[unnamed]
path = HOME/s
hosts allow = localhost
forward lookup = no
[closed]
path = HOME/s
max connections = -1
[nowhere]
path = HOME/nowhere
`,
    commands: [
      'rsync $AT/',
      'rsync --no-motd $AT/one/',
      'RSYNC_PASSWORD=1 rsync -r rsync://s@127.0.0.1:$PORT/own/',
      'RSYNC_PASSWORD=pw rsync -r rsync://joe@127.0.0.1:$PORT/own/',
      ...[27, 29, 30, 31, 32].flatMap((protocol) => [
        `RSYNC_PASSWORD=pw rsync --protocol=${protocol} rsync://joe@127.0.0.1:$PORT/sha/a`,
        `RSYNC_PASSWORD=pw rsync --protocol=${protocol} rsync://joe@127.0.0.1:$PORT/open/a`,
        `RSYNC_PASSWORD=no rsync --protocol=${protocol} rsync://joe@127.0.0.1:$PORT/open/a`,
      ]),
      'RSYNC_PASSWORD=pw rsync new rsync://joe@127.0.0.1:$PORT/rules/x',
      'RSYNC_PASSWORD=a rsync new rsync://ann@127.0.0.1:$PORT/rules/x',
      'RSYNC_PASSWORD=x rsync new rsync://nobody@127.0.0.1:$PORT/rules/x',
      'rsync $AT/named/a',
      'rsync $AT/unnamed/a',
      'rsync $AT/closed/a',
      'rsync $AT/nowhere/a',
      'rsync $AT/unknown/a',
    ],
  },
]

/** rsync names the process and the place too. */
function told({ command, status, said, log }: Told): object {
  return { command, status, said, log: log.replace('rsync: [Receiver] chdir', 'rsync: chdir') }
}

t.test('prsync --daemon beside rsync --daemon', { skip: noRsyncAsRoot }, async (t) => {
  for (const { name, conf, commands, options } of CASES)
    await t.test(name, async (t) => {
      const real = await askDaemon('rsync', conf, commands, options)
      const ours = await askDaemon('prsync', conf, commands, options)
      for (const [i, told1] of real.entries()) {
        const mine = ours[i]
        t.same(mine === undefined ? null : told(mine), told(told1), told1.command)
      }
    })
})

t.test(
  'refusals: rsync closes so early that its client may not hear why',
  { skip: noRsyncAsRoot },
  async (t) => {
    const conf = `${ROOT}use chroot = no
[no]
path = HOME/w
pre-xfer exec = echo "not today"; exit 3
post-xfer exec = echo "$RSYNC_EXIT_STATUS $RSYNC_RAW_STATUS" > HOME/post
[refuse]
path = HOME/s
refuse options = delete c
[plain]
path = HOME/s
[word]
path = HOME/s
auth users = *
secrets file = HOME/secrets
pre-xfer exec = touch HOME/ran; echo %RSYNC_USER_NAME%
[early]
path = HOME/w
early exec = exit 4
pre-xfer exec = touch HOME/never
post-xfer exec = echo "$RSYNC_EXIT_STATUS $RSYNC_RAW_STATUS" > HOME/post
[out]
path = HOME/w
write only = yes
[open]
path = HOME/s
auth users = joe
secrets file = HOME/open-secrets
`
    const commands: readonly [command: string, said: RegExp, log: RegExp][] = [
      [
        'rsync -a $AT/no/ x',
        /pre-xfer exec returned failure \(768\):\n(.*: )?not today\n/,
        /\n(rsync: )?not today\n/,
      ],
      ['cat $H/post', /^4 1024\n$/, /^$/],
      [
        'rsync -ac $AT/refuse/ x',
        /The server is configured to refuse --checksum \(-c\)/,
        /refuse --checksum \(-c\)\n/,
      ],
      [
        'rsync -a --delete s/ $AT/refuse/',
        /The server is configured to refuse --delete/,
        /refuse --delete\n/,
      ],
      [
        'rsync -a --iconv=utf8 $AT/refuse/ x',
        /The server is configured to refuse --iconv/,
        /refuse --iconv\n/,
      ],
      [
        'rsync -a -M--bogus $AT/refuse/ x',
        /on remote machine: --bogus: unknown option/,
        /--bogus: unknown option\n/,
      ],
      [
        'RSYNC_PASSWORD=x rsync "rsync://a;b@127.0.0.1:$PORT/word/"',
        /rsync error/,
        /refusing to run shell hook: %RSYNC_USER_NAME% holds a shell metacharacter\n/,
      ],
      ['ls $H/ran', /No such file/, /^$/],
      ['rsync -a $AT/early/ x', /@ERROR: early exec failed\n/, /allowed access on module early/],
      ['cat $H/post; ls $H/never', /^255 65280\n.*No such file/, /^$/],
      [
        'rsync -a new $AT/refuse/',
        /ERROR: module is read only\nrsync error: syntax or usage error \(code 1\)\n/,
        /\nERROR: module is read only\nrsync error: syntax or usage error \(code 1\)\n/,
      ],
      [
        'rsync -a --remove-source-files $AT/plain/ x; ls $H/s',
        /ERROR: --remove-source-files cannot be used with a read-only module\n(.|\n)*\na\n/,
        /\nERROR: --remove-source-files cannot be used with a read-only module\n/,
      ],
      ['rsync -a $AT/out/ x', /ERROR: module is write only\n/, /\nERROR: module is write only\n/],
      [
        'RSYNC_PASSWORD=pw rsync rsync://joe@127.0.0.1:$PORT/open/a',
        /@ERROR: auth failed on module open\n/,
        /secrets file must not be other-accessible/,
      ],
    ]
    for (const who of ['rsync', 'prsync'] as const) {
      const all = await askDaemon(
        who,
        conf,
        commands.map(([command]) => command),
      )
      for (const [i, [command, said, log]] of commands.entries()) {
        t.match(all[i]?.said, said, `${who}: ${command}`)
        t.match(all[i]?.log, log, `${who}, log: ${command}`)
      }
    }
  },
)
