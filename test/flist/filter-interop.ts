/** The real rsync as the judge of filters: a tree on disk, and what a run with some rules would send or delete. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ByteName, byteName, joinName, ROOT_NAME } from '../../lib/base/byte-name.js'
import {
  type DirMergeRule,
  type FilterRule,
  type FilterSource,
  fileBase,
  type ParsedRules,
  parseDirMerge,
} from '../../lib/flist/filter.js'
import { Filter, type Side } from '../../lib/flist/filter-match.js'

export const HAS_RSYNC = spawnSync('rsync', ['--version']).status === 0

export const NO_SOURCE: FilterSource = {
  read: () => {
    throw new Error('no merge files here')
  },
  cvsIgnore: [],
}

const BASES = ['a', 'b', 'ab', 'foo', 'a.c', 'b.o', '.x', 'a]b', 'x\\y', 'core']

/** Directories two deep, files in all of them, some with filter files. */
export function buildTree(root: string, mergeFiles: ReadonlyMap<string, string>): void {
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  for (const one of ['', 'a', 'foo', 'foo/a', 'foo/ab', 'b.o', 'foo/a/foo', 'd'])
    mkdirSync(join(root, one), { recursive: true })
  for (const directory of ['', 'a', 'foo', 'foo/a', 'foo/ab', 'b.o', 'foo/a/foo', 'd'])
    for (const base of BASES) {
      const name = join(root, directory, base)
      try {
        writeFileSync(name, '')
      } catch {
        // A directory stands there.
      }
    }
  for (const [name, text] of mergeFiles) writeFileSync(join(root, name), text)
}

/** The names a run would send. */
export function sentByRsync(root: string, to: string, args: readonly string[]): readonly string[] {
  const run = spawnSync('rsync', ['-rn', '--out-format=%n', ...args, `${root}/`, `${to}/`])
  if (run.status !== 0) throw new Error(run.stderr.toString())
  const names = run.stdout.toString('latin1').split('\n')
  return names
    .filter((name) => name !== '' && name !== './')
    .map(unslashed)
    .map(unescaped)
    .sort()
}
function unslashed(name: string): string {
  return name.endsWith('/') ? name.slice(0, -1) : name
}
function unescaped(name: string): string {
  return name.replace(/\\#([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}

export function filterOf(root: string, rules: readonly FilterRule[], side: Side): Filter {
  return new Filter(rules, {
    side,
    deleteExcluded: false,
    rootPath: root,
    readMerge,
  })
}
function readMerge(directory: string, rule: DirMergeRule): ParsedRules | null {
  let text: string
  try {
    text = readFileSync(join(directory, fileBase(rule.file)), 'latin1')
  } catch {
    return null
  }
  return parseDirMerge(rule, text, NO_SOURCE)
}

/** The names that our filter lets through, in the same order. */
export function sentByUs(root: string, rules: readonly FilterRule[]): readonly string[] {
  const filter = filterOf(root, rules, 'sender')
  const names: string[] = []
  const walk = (directory: ByteName): void => {
    filter.enter(directory)
    for (const item of readdirSync(join(root, directory), { withFileTypes: true })) {
      const name = joinName(directory, byteName(item.name))
      if (filter.excludes(name, item.isDirectory())) continue
      names.push(name)
      if (item.isDirectory()) walk(name)
    }
    filter.leave()
  }
  walk(ROOT_NAME)
  return names.sort()
}
