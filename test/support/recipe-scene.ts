/** A tree of packages and images made of them, what a centre finds in it, and pulls of it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { pull } from '../../lib/app/pull.js'
import type { PullReport } from '../../lib/app/pull-report.js'
import { systemClock } from '../../lib/app/system.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import { Store } from '../../lib/io/store.js'
import { decodeRecipe, type Recipe } from '../../lib/snapshot/recipe.js'
import { NO_EVENTS, pullConfig } from './centre.js'
import { contentOf } from './contents.js'
import { seededRandom } from './seeded-random.js'

const random = seededRandom(11)
/** The same in each run. */
export const bytes = (n: number): Buffer => Buffer.from(random.bytes(n))

export type Scene = {
  readonly source: string
  readonly state: string
  readonly dest: string
}

/** Forty packages of all sizes, and whatever is made of them. */
export function scene(t: Test, make: (source: string) => void): Scene {
  const home = t.testdir({ source: { pool: {} }, state: {} })
  const source = join(home, 'source')
  for (let i = 0; i < 40; i++)
    writeFileSync(join(source, `pool/p${i}.deb`), bytes(5000 + ((i * 7919) % 90_000)))
  writeFileSync(join(source, 'pool/large.deb'), bytes(1_500_000))
  make(source)
  return { source, state: join(home, 'state'), dest: join(home, 'dest') }
}

export const packages = (source: string): Buffer[] =>
  Array.from({ length: 40 }, (_, i) => readFileSync(join(source, `pool/p${i}.deb`)))
/** Each at a multiple of 2048, as in an image. */
export function imageOf(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.map((p) => Buffer.concat([p], Math.ceil(p.length / 2048) * 2048)))
}
export function plainImage(source: string): void {
  const large = readFileSync(join(source, 'pool/large.deb'))
  writeFileSync(join(source, 'image'), imageOf([...packages(source), large]))
}

export function recipeIn(state: string, content: Buffer): Recipe | null {
  const store = new Store(`${state}/modules/m`)
  const id = store.recipe(contentRoot(content))
  const blob = id === null ? null : store.blob(id.root)
  const recipe = blob === null ? null : decodeRecipe(blob, contentOf(content))
  void store.close()
  return recipe
}

/** With the lines of -i and the faults. */
export async function pulled(
  url: string,
  dest: string,
): Promise<{ report: PullReport; items: string[]; faults: string[] }> {
  const items: string[] = []
  const events = {
    ...NO_EVENTS,
    item: (line: string, name: string) => items.push(`${line} ${name}`),
  }
  const host = { clock: systemClock, log: () => {}, userAgent: 'prsync/test' }
  const never = new AbortController().signal
  const { report, outcome } = await pull(pullConfig(url, dest), events, host, never)
  return { report, items, faults: outcome.faults.map(({ name, what }) => `${name}: ${what}`) }
}
