/** Which contents are looked through again, and what that may cost: over an index alone. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { countHashed, isSettled, nextDue, noteLook, want } from '../../lib/app/recipes-wanted.js'
import { byteName } from '../../lib/base/byte-name.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import type { Root } from '../../lib/hash/root.js'
import { Store } from '../../lib/io/store.js'
import { noise } from '../delta/support.js'

const MIB = 2 ** 20
const rootNo = (i: number): Root => contentRoot(noise(64, i * 2 + 1))

function opened(t: Test): Store {
  const store = new Store(join(t.testdir({}), 'index'))
  t.teardown(() => store.close())
  return store
}
/** As a look does it: counted, hashed, put on the list. */
function comes(store: Store, name: string, root: Root, size: number): void {
  countHashed(store, size)
  want(store, byteName(name), { root, size })
}

t.test('an image by its name is due after an eighth of its bytes, then ever later', async (t) => {
  const store = opened(t)
  comes(store, 'a.iso', rootNo(1), 8 * MIB)
  const due: number[] = []
  for (let hashed = 0; hashed < 40; hashed++) {
    const wanting = nextDue(store)
    if (wanting !== null) {
      due.push(hashed)
      noteLook(store, wanting)
    }
    countHashed(store, MIB)
  }
  t.same(due, [1, 3, 7, 15, 31])
})

t.test('what is compressed is not looked through again', async (t) => {
  const store = opened(t)
  for (const [i, name] of ['a.deb', 'b.tar.gz', 'c.rpm'].entries())
    comes(store, name, rootNo(i), 4 * MIB)
  t.equal(store.wanting.count, 0)
})

t.test('names that tell nothing: at most half as many bytes as are hashed', async (t) => {
  const store = opened(t)
  const sizes = new Map<Root, number>()
  let hashed = 0
  let looked = 0
  for (let i = 0; i < 400; i++) {
    const size = (1 + ((i * 7919) % 97)) * MIB
    sizes.set(rootNo(i), size)
    comes(store, `disk-${i}`, rootNo(i), size)
    hashed += size
    for (let due = nextDue(store); due !== null; due = nextDue(store)) {
      looked += due.size
      noteLook(store, due)
      t.ok(looked <= hashed / 2, 'never more')
    }
  }
  t.ok(looked > hashed * 0.45, `${looked} of ${hashed}: and that is used`)
})

t.test('the largest waits until it is paid for, and is not starved by others', async (t) => {
  const store = opened(t)
  comes(store, 'large', rootNo(1), 100 * MIB)
  let turn = 0
  for (let i = 2; i < 400 && turn === 0; i++) {
    comes(store, `small-${i}`, rootNo(i), MIB)
    const due = nextDue(store)
    if (due === null) continue
    noteLook(store, due)
    if (due.root === rootNo(1)) turn = i
  }
  t.ok(turn > 14, `after an eighth of it, and when it is paid for: ${turn}`)
})

t.test('a name that tells what it is counts, also when it comes later', async (t) => {
  const store = opened(t)
  comes(store, 'x', rootNo(1), 8 * MIB)
  t.equal(store.wanting.of(rootNo(1))?.unnamed, true)
  want(store, byteName('x.iso'), { root: rootNo(1), size: 8 * MIB })
  t.equal(store.wanting.of(rootNo(1))?.unnamed, false)
  want(store, byteName('y'), { root: rootNo(1), size: 8 * MIB })
  t.equal(store.wanting.of(rootNo(1))?.unnamed, false)
  t.ok(isSettled(8 * MIB, 4 * MIB))
})

t.test('the list of those is bounded, and left after the last look', async (t) => {
  const store = opened(t)
  for (let i = 0; i < 4100; i++) comes(store, `disk-${i}`, rootNo(i), 1)
  t.equal(store.wanting.count, 4096)
  comes(store, 'a.img', rootNo(5000), MIB)
  t.equal(store.wanting.count, 4097, 'images by their names always have room')
  const one = store.wanting.of(rootNo(3))
  if (one !== null) noteLook(store, { ...one, looks: 11 })
  t.equal(store.wanting.of(rootNo(3)), null)
})
