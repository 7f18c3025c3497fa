/**
 * rsync's options as data: the parser, `--help`, completion, the manual's test and docs/conformance.md all read this one
 * table. rsync(1) OPTION SUMMARY; rsync 3.5.0 is the judge of spellings.
 */

export type OptionSpec = {
  /** Without its dashes. */
  readonly long: string
  readonly short?: string
  /** What its argument is called; without one it is a switch. */
  readonly argument?: string
  /** Other long names. */
  readonly aliases?: readonly string[]
  /** What follows `--no-` to switch it off. */
  readonly off?: readonly string[]
  /** Understood, not shown. */
  readonly hidden?: true
  /** Of a connection to another machine: a local copy has no use for it. */
  readonly remote?: true
  /** One line for `--help`. */
  readonly help: string
}

type Extra = Partial<Omit<OptionSpec, 'long' | 'short' | 'help' | 'argument'>>

/** `name`: `long`, `long,s`, `long=ARGUMENT`, `long,s=ARGUMENT`. */
function option(name: string, help: string, extra: Extra = {}): OptionSpec {
  const [names = '', argument] = name.split('=')
  const [long = '', short] = names.split(',')
  return {
    long,
    help,
    ...(short === undefined ? {} : { short }),
    ...(argument === undefined ? {} : { argument }),
    ...extra,
  }
}

export const OPTIONS: readonly OptionSpec[] = [
  option('verbose,v', 'say more; repeat for even more', { off: ['verbose', 'v'] }),
  option('info=WORDS', 'choose what is told: name2,progress2,stats …'),
  option('debug=WORDS', 'choose what is told of the inner workings'),
  option('stderr=MODE', 'where messages go: errors, all or client'),
  option('quiet,q', 'say nothing but errors'),
  option('motd', 'show a daemon its greeting', { hidden: true, off: ['motd'], remote: true }),
  option('checksum,c', 'compare files by their sums, not by time and size', {
    off: ['checksum', 'c'],
  }),
  option('archive,a', 'as -rlptgoD'),
  option('recursive,r', 'go into directories', { off: ['recursive', 'r'] }),
  option('inc-recursive', 'read the tree while files are copied', {
    aliases: ['i-r'],
    off: ['inc-recursive', 'i-r'],
  }),
  option('relative,R', 'keep the whole path of each source', { off: ['relative', 'R'] }),
  option('implied-dirs', 'send the directories above a source with -R', {
    aliases: ['i-d'],
    off: ['implied-dirs', 'i-d'],
    hidden: true,
  }),
  option('backup,b', 'keep what is replaced or deleted under another name', { off: ['backup'] }),
  option('backup-dir=DIR', 'keep it below this directory instead'),
  option('suffix=SUFFIX', 'what is put behind such a name (~)'),
  option('update,u', 'leave files alone that are newer at the destination'),
  option('inplace', 'write into the files themselves', { off: ['inplace'] }),
  option('append', 'only add what shorter files lack', { off: ['append'] }),
  option('append-verify', 'the same, and check the whole file'),
  option('dirs,d', 'take directories without what is in them', { off: ['dirs', 'd'] }),
  option('old-dirs', 'the same for a very old remote side', { aliases: ['old-d'] }),
  option('mkpath', 'make all missing directories of the destination', { off: ['mkpath'] }),
  option('links,l', 'copy symbolic links as links', { off: ['links', 'l'] }),
  option('copy-links,L', 'copy what symbolic links lead to'),
  option('copy-unsafe-links', 'only where they lead out of the tree'),
  option('safe-links', 'leave out links that lead out of the tree'),
  option('insecure-links', 'follow links in paths that others made', { off: ['insecure-links'] }),
  option('confine-root=DIR', 'refuse paths that lead out of this directory'),
  option('munge-links', 'make links harmless, or whole again', { off: ['munge-links'] }),
  option('copy-dirlinks,k', 'go into directories behind links'),
  option('keep-dirlinks,K', 'take a link to a directory at the destination for one'),
  option('hard-links,H', 'keep hard links', { off: ['hard-links', 'H'] }),
  option('perms,p', 'keep permissions', { off: ['perms', 'p'] }),
  option('executability,E', 'keep whether a file can be executed'),
  option('chmod=CHANGES', 'change permissions on the way: D755,F644,u+w'),
  option('acls,A', 'keep access control lists (and permissions)', { off: ['acls', 'A'] }),
  option('xattrs,X', 'keep extended attributes', { off: ['xattrs', 'X'] }),
  option('owner,o', 'keep owners, as root', { off: ['owner', 'o'] }),
  option('group,g', 'keep groups', { off: ['group', 'g'] }),
  option('devices', 'keep devices, as root', { off: ['devices'] }),
  option('copy-devices', 'copy what is in a device as a file'),
  option('write-devices', 'write into devices as if they were files', { off: ['write-devices'] }),
  option('specials', 'keep FIFOs and sockets', { off: ['specials'] }),
  option('drop-D', 'make no devices or special files', { off: ['drop-D'] }),
  option('D,D', 'as --devices --specials', { off: ['D'] }),
  option('times,t', 'keep modification times', { off: ['times', 't'] }),
  option('atimes,U', 'keep times of last use', { off: ['atimes', 'U'] }),
  option('open-noatime', 'do not change these by reading', { off: ['open-noatime'] }),
  option('crtimes,N', 'keep times of creation', { off: ['crtimes', 'N'] }),
  option('omit-dir-times,O', 'but not of directories', { off: ['omit-dir-times', 'O'] }),
  option('omit-link-times,J', 'but not of links', { off: ['omit-link-times', 'J'] }),
  option('super', 'try what only root may', { off: ['super'] }),
  option('fake-super', 'keep what only root may in extended attributes'),
  option('sparse,S', 'leave holes where there are only zeros', { off: ['sparse', 'S'] }),
  option('preallocate', 'reserve space before writing'),
  option('dry-run,n', 'change nothing, say what would be done'),
  option('whole-file,W', 'copy whole files, look for no differences', {
    off: ['whole-file', 'W'],
  }),
  option('checksum-choice=NAMES', 'which sums: for the search, and for whole files', {
    aliases: ['cc'],
  }),
  option('one-file-system,x', 'stay on the file system of each source', {
    off: ['one-file-system', 'x'],
  }),
  option('block-size,B=SIZE', 'length of the blocks that are compared'),
  option('rsh,e=COMMAND', 'the remote shell', { remote: true }),
  option('rsync-path=PROGRAM', 'what to run at the other side', { remote: true }),
  option('existing', 'make no new files', { aliases: ['ignore-non-existing'] }),
  option('ignore-existing', 'leave files alone that exist'),
  option('remove-source-files', 'remove files at the source once they are there'),
  option('remove-sent-files', 'the same, by its old name', { hidden: true }),
  option('delete', 'delete what the source does not have'),
  option('delete-before', 'before anything is copied'),
  option('delete-during', 'directory by directory (usual)', { aliases: ['del'] }),
  option('delete-delay', 'look for it on the way, delete at the end'),
  option('delete-after', 'after all is copied'),
  option('delete-excluded', 'and what filters leave out'),
  option('ignore-missing-args', 'say nothing of sources that are not there'),
  option('delete-missing-args', 'and delete them at the destination'),
  option('ignore-errors', 'delete even after errors in reading', { off: ['ignore-errors'] }),
  option('force', 'a directory that is not empty may make way', { off: ['force'] }),
  option('max-delete=NUMBER', 'delete no more than so many'),
  option('max-size=SIZE', 'copy no larger files'),
  option('min-size=SIZE', 'copy no smaller files'),
  option('max-alloc=SIZE', 'memory for a single thing'),
  option('partial', 'keep what came of a file when interrupted', { off: ['partial'] }),
  option('partial-dir=DIR', 'keep it there'),
  option('delay-updates', 'put all files into place at the end', { off: ['delay-updates'] }),
  option('prune-empty-dirs,m', 'leave out directories that nothing is in', {
    off: ['prune-empty-dirs', 'm'],
  }),
  option('numeric-ids', 'take owners by number, not by name', { off: ['numeric-ids'] }),
  option('usermap=RULES', 'give files of one user to another'),
  option('groupmap=RULES', 'the same for groups'),
  option('chown=USER:GROUP', 'give all files to them'),
  option('timeout=SECONDS', 'give up when nothing moves for so long', { off: ['timeout'] }),
  option('contimeout=SECONDS', 'when a daemon does not answer', {
    off: ['contimeout'],
    remote: true,
  }),
  option('ignore-times,I', 'copy files whose time and size are equal too'),
  option('size-only', 'equal size is enough'),
  option('modify-window,@=SECONDS', 'times may differ by so much; -1: by nothing'),
  option('temp-dir,T=DIR', 'where files are built'),
  option('fuzzy,y', 'look for a similar file to start from', { off: ['fuzzy', 'y'] }),
  option('compare-dest=DIR', 'leave out what is there already'),
  option('copy-dest=DIR', 'copy from there what is the same'),
  option('link-dest=DIR', 'make hard links to what is the same there'),
  option('compress,z', 'compress on the way', { off: ['compress', 'z'], remote: true }),
  option('old-compress', 'with the old compressor', { hidden: true, remote: true }),
  option('new-compress', 'with the new one', { hidden: true, remote: true }),
  option('compress-choice=NAME', 'with this compressor', { aliases: ['zc'], remote: true }),
  option('compress-level=LEVEL', 'so hard', { aliases: ['zl'], remote: true }),
  option('compress-threads=NUMBER', 'with so many threads', { aliases: ['zt'], remote: true }),
  option('skip-compress=SUFFIXES', 'but not these', { remote: true }),
  option('cvs-exclude,C', 'leave out what CVS would'),
  option('filter,f=RULE', 'a filter rule'),
  option('F,F', 'read .rsync-filter in each directory; twice: leave it out'),
  option('exclude=PATTERN', 'leave out'),
  option('exclude-from=FILE', 'what the file says'),
  option('include=PATTERN', 'take in'),
  option('include-from=FILE', 'what the file says'),
  option('files-from=FILE', 'the names to copy'),
  option('from0,0', 'such files end names with NUL', { off: ['from0'] }),
  option('old-args', 'let the remote shell split names', { off: ['old-args'], remote: true }),
  option('secluded-args,s', 'send names past the remote shell', {
    aliases: ['protect-args'],
    off: ['secluded-args', 'protect-args', 's'],
    remote: true,
  }),
  option('trust-sender', 'do not check what the other side lists', { remote: true }),
  option('copy-as=USER[:GROUP]', 'copy with their rights'),
  option('address=ADDRESS', 'connect from this address', { remote: true }),
  option('port=PORT', 'of the daemon', { remote: true }),
  option('sockopts=OPTIONS', 'of the socket', { remote: true }),
  option('blocking-io', 'for the remote shell', { off: ['blocking-io'], remote: true }),
  option('outbuf=MODE', 'how output is buffered: N, L or B'),
  option('stats', 'tell figures at the end'),
  option('8-bit-output,8', 'leave bytes above 127 as they are', { off: ['8-bit-output', '8'] }),
  option('human-readable,h', 'write numbers with units', { off: ['human-readable', 'h'] }),
  option('progress', 'show each file as it goes', { off: ['progress'] }),
  option('P,P', 'as --partial --progress'),
  option('itemize-changes,i', 'say what changes, in eleven letters', {
    off: ['itemize-changes', 'i'],
  }),
  option('remote-option,M=OPTION', 'for the other side alone', { remote: true }),
  option('out-format=FORMAT', 'say what changes, in this form', { aliases: ['log-format'] }),
  option('log-file=FILE', 'write down what is done'),
  option('log-file-format=FORMAT', 'in this form'),
  option('password-file=FILE', 'the password for a daemon', { remote: true }),
  option('early-input=FILE', 'for the daemon its program', { remote: true }),
  option('list-only', 'list the sources, copy nothing'),
  option('bwlimit=RATE', 'KiB a second at most', { off: ['bwlimit'] }),
  option('stop-after=MINUTES', 'stop then', { aliases: ['time-limit'] }),
  option('stop-at=TIME', 'stop then: y-m-dTh:m'),
  option('fsync', 'make sure that each file is on the disk'),
  option('write-batch=FILE', 'write down a transfer for others'),
  option('only-write-batch=FILE', 'and change nothing here'),
  option('read-batch=FILE', 'do what was written down'),
  option('protocol=NUMBER', 'speak an older protocol', { remote: true }),
  option('iconv=CHARSETS', 'convert names', { off: ['iconv'] }),
  option('checksum-seed=NUMBER', 'where sums begin'),
  option('ipv4,4', 'connect by IPv4', { remote: true }),
  option('ipv6,6', 'connect by IPv6', { remote: true }),
  option('msgs2stderr', 'messages to standard error', { hidden: true, off: ['msgs2stderr'] }),
  option('qsort', 'sort in another way', { hidden: true }),
  option('server', 'the other side of a connection', { hidden: true, remote: true }),
  option('sender', 'which sends', { hidden: true, remote: true }),
  option('daemon', 'serve modules', { hidden: true, remote: true }),
  option('version,V', 'the version; twice: as JSON'),
  option('help', 'this help; -h alone is the same'),
]
