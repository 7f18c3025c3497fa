import t from 'tap'
import { rendezvous } from '../../lib/mirror/rendezvous.js'

const ids = Array.from({ length: 10 }, (_, i) => `v${i}`)
const winner = (key: string, among: readonly string[]): string =>
  among.reduce((best, id) => (rendezvous(key, id) > rendezvous(key, best) ? id : best))

t.test('keys are spread evenly, and only those of who left move', async (t) => {
  const counts = new Map<string, number>()
  let moved = 0
  for (let i = 0; i < 10_000; i++) {
    const key = `key ${i}`
    const first = winner(key, ids)
    counts.set(first, (counts.get(first) ?? 0) + 1)
    if (winner(key, ids.slice(1)) !== first) moved++
  }
  for (const id of ids)
    t.ok(Math.abs((counts.get(id) ?? 0) - 1000) < 150, `${id}: ${counts.get(id)}`)
  t.equal(moved, counts.get('v0'))
})
