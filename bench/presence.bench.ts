/**
 * What it takes to know who has what, and to choose: memory of presence for a mirror of the seeds' size, and the time of a
 * decision. Run: node --expose-gc dist/bench/presence.bench.js [--tiny]
 */
import { hash } from 'node:crypto'
import { rootOf } from '../lib/hash/root.js'
import { Presence, Selection } from '../lib/mirror/presence.js'
import { type Ask, type Centre, select } from '../lib/mirror/select.js'
import { loadReport, NOW, volunteer } from '../test/support/volunteers.js'

const tiny = process.argv.includes('--tiny')
const FILES = tiny ? 20_000 : 2_200_000
const GROUPS = FILES / 20
const MIB = 2 ** 20
const root = (n: number) => rootOf(new Uint8Array(hash('sha256', String(n), 'buffer')))

/** Bytes in use, after what is garbage is gone. */
function inUse(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** A tenth of them complete but for the last snapshot, others half way through their first one, a third partial mirrors. */
function presenceOf(volunteers: number): Presence {
  const presence = new Presence(800 * MIB)
  const selections = Array.from({ length: Math.min(100, volunteers) }, (_, i) => {
    const selection = new Selection(GROUPS)
    for (let group = i; group < GROUPS; group += 3) selection.add(group)
    return selection
  })
  presence.publish(
    1,
    (function* () {
      for (let i = 0; i < FILES; i++) yield root(i)
    })(),
  )
  for (let slot = 0; slot < volunteers; slot++)
    presence.join(
      slot,
      slot % 10 === 0 ? null : 1,
      slot % 3 === 0 ? (selections[slot % selections.length] ?? null) : null,
    )
  for (let i = 0; i < FILES; i += 64) {
    const content = root(i)
    for (let slot = 0; slot < volunteers; slot += 10) presence.finished(slot, content)
  }
  return presence
}

const ROUNDS = tiny ? 100 : 3000
const centre: Centre = { uplink: null, rate: 0, usualRate: null }
for (const count of tiny ? [40, 100] : [40, 1000, 10_000]) {
  const before = inUse()
  const presence = presenceOf(count)
  const taken = inUse() - before
  const crowd = Array.from({ length: count }, (_, slot) =>
    volunteer(slot, {
      declared: 12.5e6 * (1 + (slot % 10)),
      report: loadReport({ flows: slot % 7 }),
    }),
  )
  const asks = Array.from({ length: 64 }, (_, i): Ask => {
    const number = presence.numberOf(root(i * 101)) ?? 0
    return {
      content: { root: root(i * 101), length: 1e6 },
      client: { address: '\x0a\0\0\x01', scheme: 'http', oneTry: false },
      holds: (slot) => presence.holds(slot, number, i),
      failed: new Set(),
      last: null,
    }
  })
  const rounds = Math.ceil((ROUNDS * 40) / count)
  let began = 0
  for (let round = -rounds; round < rounds; round++) {
    if (round === 0) began = performance.now()
    for (const ask of asks) {
      const choice = select(ask, crowd, centre, NOW + round)
      if (choice.kind === 'redirect') choice.chosen.ledger.redirect(1e6, 200, NOW + round)
    }
  }
  const each = ((performance.now() - began) * 1000) / (rounds * asks.length)
  console.log(
    `${FILES} files, ${count} volunteers: presence ${(taken / MIB).toFixed(0)} MiB; a decision ${each.toFixed(1)} µs`,
  )
}
