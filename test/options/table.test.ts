import t from 'tap'
import { OPTIONS } from '../../lib/options/table.js'
import { noRsync, rsync } from '../support/real-rsync.js'

/** Spellings as a command line has them. */
function spellings(): Set<string> {
  const all = new Set<string>()
  for (const { long, short, aliases = [], off = [] } of OPTIONS) {
    if (short !== undefined) all.add(`-${short}`)
    if (long !== short) all.add(`--${long}`)
    for (const alias of aliases) all.add(`--${alias}`)
    for (const name of off) all.add(`--no-${name}`)
  }
  return all
}

t.test('no spelling is there twice, each has its line of help', async (t) => {
  const count = OPTIONS.flatMap((o) => [
    ...(o.short === undefined ? [] : [o.short]),
    ...(o.long === o.short ? [] : [o.long]),
    ...(o.aliases ?? []),
    ...(o.off ?? []).map((name) => `no-${name}`),
  ]).length
  t.equal(spellings().size, count)
  for (const o of OPTIONS) t.match(o.help, /^[A-Za-z.].{3,70}[^.]$/, o.long)
})

t.test('the real rsync knows these options, and no others', { skip: noRsync }, async (t) => {
  const ours = spellings()
  const tried = new Set(ours)
  for (const spelling of ours)
    if (spelling.startsWith('--') && !spelling.startsWith('--no-'))
      tried.add(spelling.replace('--', '--no-'))
  for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@.,+:')
    for (const form of [`-${letter}`, `--no-${letter}`]) tried.add(form)
  // Another program answers to that one.
  tried.delete('--daemon')
  const differ: string[] = []
  for (const spelling of tried) {
    const { stderr } = rsync([spelling, '--version'], '/')
    if (/unknown option/.test(stderr) === ours.has(spelling)) differ.push(spelling)
  }
  t.same(differ, [])
})

t.test('those that take a value are those of the real rsync', { skip: noRsync }, async (t) => {
  const differ: string[] = []
  for (const { long, short, argument } of OPTIONS) {
    if (long === short || long === 'daemon') continue
    const { stderr } = rsync([`--${long}=1`, '--version'], '/')
    if (/does not take an argument/.test(stderr) === (argument !== undefined)) differ.push(long)
  }
  t.same(differ, [])
})
