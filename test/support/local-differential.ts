/** One copy by the real rsync and one by prsync, each with its own source and destination, and what differs afterwards. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeTree, disturb, makeTree, walk } from './odd-trees.js'
import { PROGRAM } from './program.js'

export type Case = {
  readonly seed: number
  /** `{}` stands for the folder of each program. */
  readonly args: readonly string[]
  /** What the destination holds before: nothing, the same, or a disturbed copy. */
  readonly destination: 'none' | 'same' | 'disturbed'
  /** Over a remote shell; without it both ends are one program. */
  readonly wire?: Wire
}
export type Wire = {
  readonly isPush: boolean
  /** Which ends are prsync. */
  readonly ours: 'client' | 'server' | 'both'
  readonly protocol: number
}

type Seen = {
  readonly status: number | null
  readonly out: readonly string[]
  readonly source: string[]
  readonly dest: string[]
  readonly stderr: string
}

/** @returns lines that differ; none: both did the same */
export function differ(one: Case): string[] {
  const home = mkdtempSync(join(tmpdir(), 'prsync-diff-'))
  try {
    const theirs = asRsyncDoes(one, join(home, 'r'))
    const { wire } = one
    const before = overWire(wire, wire !== undefined && wire.ours !== 'client')
    const ours =
      wire?.ours === 'server'
        ? run('rsync', before, join(home, 'p'), one)
        : run(process.execPath, [PROGRAM, ...before], join(home, 'p'), one)
    return [
      ...(theirs.status === ours.status
        ? []
        : [
            `exit: rsync ${theirs.status}, prsync ${ours.status}: ${theirs.stderr} | ${ours.stderr}`,
          ]),
      ...compare('dest', theirs.dest, ours.dest),
      ...compare('source', theirs.source, ours.source),
      ...compareOutput(
        theirs.out,
        ours.out,
        one.args.some((arg) => /^-\w*vv/.test(arg)),
      ),
    ]
  } finally {
    spawnSync('rm', ['-rf', home])
  }
}

const done = new Map<string, Seen>()
/** Which end is prsync is all the same to it. */
function asRsyncDoes(one: Case, home: string): Seen {
  const key = JSON.stringify({ ...one, wire: one.wire && { ...one.wire, ours: '' } })
  const seen = done.get(key) ?? run('rsync', overWire(one.wire, false), home, one)
  done.set(key, seen)
  return seen
}

/** Options that lead through a shell which starts the other end here. */
function overWire(wire: Wire | undefined, isOurs: boolean): string[] {
  if (wire === undefined) return []
  const path = isOurs ? `${process.execPath} ${PROGRAM}` : 'rsync'
  return ['-e', './rsh', `--rsync-path=${path}`, `--protocol=${wire.protocol}`]
}
const SHELL = '#!/bin/sh\nshift\nexec sh -c "$*"\n'

/** A path of the end that is elsewhere. */
function placed(arg: string, wire: Wire | undefined): string {
  if (wire === undefined) return arg
  const isThere = wire.isPush ? /^(\{\}\/)?d(\/|$)/ : /^(\{\}\/)?s(\/|$)/
  return isThere.test(arg) ? `h:${arg}` : arg
}

const templates = new Map<string, string>()
const templatesIn = mkdtempSync(join(tmpdir(), 'prsync-trees-'))
process.on('exit', () => spawnSync('rm', ['-rf', templatesIn]))

function isAdorned({ args }: Case): boolean {
  return /X|A|fake/.test(args.join(' '))
}
/** A folder with source, destination and what options name. Made once for all that begin alike, and copied. */
function prepare(home: string, one: Case): void {
  const key = `${one.seed} ${one.destination} ${isAdorned(one)}`
  const known = templates.get(key)
  const template = known ?? join(templatesIn, `${templates.size}`)
  if (known === undefined) makeTemplate(template, one)
  templates.set(key, template)
  copyTree(template, home)
}
function makeTemplate(home: string, one: Case): void {
  mkdirSync(home)
  writeFileSync(join(home, 'rsh'), SHELL, { mode: 0o755 })
  makeTree(join(home, 's'), one.seed, isAdorned(one))
  if (one.destination !== 'none') {
    copyTree(join(home, 's'), join(home, 'd'))
    if (one.destination === 'disturbed') disturb(join(home, 'd'), one.seed + 1)
  }
  writeFileSync(join(home, 'names'), namesIn(join(home, 's')))
  copyTree(join(home, 's'), join(home, 'alt'))
  disturb(join(home, 'alt'), one.seed + 7)
}
/** Of last use, which copying and looking change: by their names. */
function stampUse(home: string): void {
  const script = `find s alt -exec touch -h -a -d '2011-01-01 00:00:00' {} +
[ ! -d d ] || find d -exec touch -h -a -d '2011-01-01 00:00:00' {} + -links 1 -name '[a-m]*' -exec touch -h -a -d 2012-01-01 {} +`
  spawnSync('sh', ['-c', script], { cwd: home })
}
/** Only where reading is no use, or it shows who looked first. */
const KEEPS_USE = /^-\w*UU/
function describeUse(home: string, since: number): string[] {
  const { stdout } = spawnSync(
    'find',
    ['d', '!', '-type', 'd', '!', '-type', 'l', '-printf', '%A@ %p\\n'],
    {
      cwd: home,
      encoding: 'latin1',
    },
  )
  return stdout
    .split('\n')
    .map(
      (line) =>
        `used ${Number.parseFloat(line) * 1000 > since ? line.replace(/^\S+/, 'now') : line}`,
    )
}
/** Every third name, and one that is not there. */
function namesIn(top: string): Buffer {
  const names = walk(top)
    .map((name) => name.slice(top.length + 1))
    .filter((name, i) => i % 3 === 0 && !/[\n\r]/.test(name) && !/^[#;]/.test(name))
  return Buffer.from([...names, 'not/there', ''].join('\n'), 'latin1')
}
function copyTree(from: string, to: string): void {
  spawnSync('cp', ['-a', from, to])
}

function run(program: string, before: readonly string[], home: string, one: Case): Seen {
  prepare(home, one)
  if (one.args.some((arg) => KEEPS_USE.test(arg))) stampUse(home)
  const since = Date.now() - 1000
  const args = one.args.map((arg) => placed(arg, one.wire).replaceAll('{}', home))
  const { status, stdout, stderr } = spawnSync(program, [...before, ...args], {
    cwd: home,
    encoding: 'latin1',
    timeout: 60_000,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
  const used = one.args.some((arg) => KEEPS_USE.test(arg)) ? describeUse(home, since) : []
  return {
    status,
    out: stdout
      .replaceAll(home, '{}')
      .split('\n')
      .filter((line) => line !== ''),
    stderr,
    source: describeTree(join(home, 's'), since),
    dest: [
      ...used,
      ...describeIfThere(join(home, 'd'), since),
      ...describeIfThere(join(home, 'bk'), since).map((line) => `backup ${line}`),
      ...(isAdorned(one) ? describeXattrs(home) : []),
    ],
  }
}
function describeXattrs(home: string): string[] {
  const { stdout } = spawnSync('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', 'd'], {
    cwd: home,
    encoding: 'latin1',
  })
  return stdout
    .split('\n\n')
    .filter((text) => text !== '')
    .map((text) => `xattrs ${text}`)
}
function describeIfThere(top: string, since: number): string[] {
  try {
    return describeTree(top, since)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    if (code === 'ENOTDIR') return [createHash('sha1').update(readFileSync(top)).digest('hex')]
    throw error
  }
}

function compare(what: string, theirs: readonly string[], ours: readonly string[]): string[] {
  const t = new Set(theirs)
  const o = new Set(ours)
  return [
    ...theirs.filter((line) => !o.has(line)).map((line) => `${what} -rsync  ${line}`),
    ...ours.filter((line) => !t.has(line)).map((line) => `${what} +prsync ${line}`),
  ]
}

/**
 * Lines in order, but for what two processes of rsync say side by side: deletions, links made when a file has come, and
 * figures of its wire.
 */
function compareOutput(
  theirs: readonly string[],
  ours: readonly string[],
  allLoose: boolean,
): string[] {
  const ordered = (lines: readonly string[]): string[] =>
    lines.filter((l) => !allLoose && !isLoose(l) && !isFigure(l))
  const loose = (lines: readonly string[]): string[] =>
    lines.filter((l) => (allLoose || isLoose(l)) && !isFigure(l)).sort()
  const t = [...ordered(theirs), '--', ...loose(theirs)]
  const o = [...ordered(ours), '--', ...loose(ours)]
  if (t.join('\n') === o.join('\n')) return []
  const diff = compare('line', t, o)
  return diff.length > 0 ? diff : [`order: rsync ${JSON.stringify(t)} prsync ${JSON.stringify(o)}`]
}
function isLoose(line: string): boolean {
  return /^(\*deleting|deleting |h[fLDS]|backed up |cannot delete|could not make way|skipping|ignoring|created directory|sender removed|.* (=>|exists|is newer|is uptodate|is over max-size|is under min-size)|not creating|IO error)/.test(
    line,
  )
}
function isFigure(line: string): boolean {
  return /^(sent |total size|File list|Total bytes|total: matches|delta-transmission|building|sending|receiving |opening connection|created dir)/.test(
    line,
  )
}
