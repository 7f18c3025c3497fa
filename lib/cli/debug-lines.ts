/** The lines of --debug: for each the word and the level that ask for it, and how it reads. rsync(1) --debug; docs/conformance.md. */
import type { Trace, TraceLines } from '../base/trace.js'
import type { DebugWord, Levels } from '../options/words.js'

type Lines = {
  readonly [Line in keyof TraceLines]: readonly [
    word: DebugWord,
    level: number,
    text: (...told: TraceLines[Line]) => string,
  ]
}

const LINES: Lines = {
  changedDirectory: ['chdir', 1, (end, path) => `[${end}] change_dir(${path})`],
  commanded: [
    'cmd',
    1,
    (words) => `opening connection using: ${words.map(quoted).join(' ')}  (${words.length} args)`,
  ],
  connecting: ['connect', 1, (host, port) => `opening tcp connection to ${host} port ${port}`],
  greeted: [
    'proto',
    1,
    (theirs, agreed) => `(Client) Protocol versions: remote=${theirs}, negotiated=${agreed}`,
  ],
  chose: [
    'nstr',
    1,
    (what, name, isAgreed, level) =>
      `Client ${isAgreed ? 'negotiated ' : ''}${what}: ${shownName(name)}${what === 'compress' ? ` (level ${level ?? USUAL_LEVEL[name] ?? 0})` : ''}`,
  ],
  ruled: [
    'filter',
    1,
    (end, excludes, isDirectory, name, rule) =>
      `[${end}] ${verdict(end, excludes)} ${isDirectory ? 'directory' : 'file'} ${name} because of pattern ${rule}`,
  ],
  enteredFilters: ['filter', 2, (end, path) => `[${end}] pushing local filters for ${path}/`],
  leftFilters: ['filter', 2, (end) => `[${end}] popping local filters`],
  readRules: [
    'filter',
    2,
    (end, path, isThere) => `[${end}] parse_filter_file(${path})${isThere ? '' : ' [not found]'}`,
  ],
  listed: ['flist', 2, (name) => `[sender] make_file(${name})`],
  listedTwice: ['dup', 1, (name) => `removing duplicate name ${name} from file list`],
  linked: ['hlink', 1, (name, first) => `[sender] ${name} hard-links ${first}`],
  considered: ['genr', 1, (name) => `recv_generator(${name})`],
  likened: ['fuzzy', 1, (name, basis) => `fuzzy basis selected for ${name}: ${basis}`],
  sending: ['send', 1, (path) => `send_files(${fromHere(path)})`],
  sent: ['send', 1, (path) => `sender finished ${fromHere(path)}`],
  placed: ['recv', 1, (made, name) => `renaming ${made} to ${name}`],
  backedUp: ['backup', 1, (name) => `make_backup: ${name} successful.`],
  deletingBelow: ['del', 1, (directory) => `deleting in ${directory}`],
  deletingIn: ['del', 2, (directory) => `delete_in_dir(${directory})`],
  deletingItem: [
    'del',
    2,
    (name, mode, isDirectory) =>
      `delete_item(${name}) mode=${isDirectory ? '4' : '10'}${mode.toString(8).padStart(4, '0')}`,
  ],
  owned: ['own', 1, (what, name, from, to) => `set ${what} of ${name} from ${from} to ${to}`],
  mapped: [
    'own',
    2,
    (what, id, name, to) => `${what} ${id}${name === null ? '' : `(${name})`} maps to ${to}`,
  ],
  touchedUp: ['time', 2, (name) => `touch_up_dirs: ${name}`],
  charset: ['iconv', 1, (end, name) => `[${end}] charset: ${name}`],
}

/** Of compressors, where none is said. */
const USUAL_LEVEL: Readonly<Record<string, number>> = { zlib: 6, zlibx: 6, zstd: 3 }

/** MD4 of old protocols is no other to who reads of it. */
function shownName(name: string): string {
  return name === 'md4-old' ? 'md4' : name
}
function quoted(word: string): string {
  return /^[\w=,@+./-]+$/.test(word) ? word : `"${word}"`
}
/** As it is mostly named: from where we are. */
function fromHere(path: string): string {
  const here = `${Buffer.from(process.cwd(), 'utf8').toString('latin1')}/`
  return path.startsWith(here) ? path.slice(here.length) : path
}
function verdict(end: string, excludes: boolean): string {
  if (end === 'sender') return excludes ? 'hiding' : 'showing'
  return excludes ? 'protecting' : 'risking'
}

/** Only what the levels ask for is there. */
export function traceFor(levels: Levels<DebugWord>, say: (text: string) => void): Trace {
  const asked = Object.entries(LINES).filter(([, [word, level]]) => levels[word] >= level)
  return Object.fromEntries(
    asked.map(([line, [, , text]]) => {
      const words = text as (...told: readonly unknown[]) => string
      return [line, (...told: readonly unknown[]) => say(words(...told))]
    }),
  )
}
