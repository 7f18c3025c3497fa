/** The search within a page finds what decoding all of it does. */
import assert from 'node:assert/strict'
import t from 'tap'
import { WireError } from '../../lib/base/errors.js'
import { buildDirectory } from '../../lib/snapshot/build.js'
import { decodePage, encodePage } from '../../lib/snapshot/page.js'
import { searchPage } from '../../lib/snapshot/page-search.js'
import { anyBase, anyPage } from '../support/entries.js'
import fc from '../support/properties.js'

t.test('each entry of any page, and no other name', async () => {
  fc.assert(
    fc.property(anyPage, fc.array(anyBase), (page, others) => {
      const bytes = encodePage(page)
      const entries = page.kind === 'index' ? [] : page.entries
      for (const entry of entries) assert.deepEqual(searchPage(bytes, entry.base), entry)
      const known = new Set(entries.map(({ base }) => base))
      for (const base of others) if (!known.has(base)) assert.equal(searchPage(bytes, base), null)
      for (const { base } of entries)
        for (const near of [`${base}!`, base.slice(0, -1), `\xff${base}`])
          if (!known.has(near)) assert.equal(searchPage(bytes, near), null)
    }),
  )
})

t.test('names that have more in common than is told', async (t) => {
  const common = {
    ...{ mode: 0o644, mtimeNs: 0n, user: { id: 0, name: null }, group: { id: 0, name: null } },
    ...({ xattrs: [], kind: 'symlink', target: 'x' } as const),
  }
  const long = 'a'.repeat(254)
  const bases = [long, `${long}b`, `${long}bb`.slice(0, 255), `${long}c`]
  const entries = [...new Set(bases)].map((base) => ({ ...common, base }))
  const [bytes = new Uint8Array(0)] = buildDirectory(entries).pages.map((page) => page.bytes)
  for (const entry of entries) t.same(searchPage(bytes, entry.base), entry)
  t.equal(searchPage(bytes, `${long}a`), null)
})

t.test('damage is an error of ours', async () => {
  fc.assert(
    fc.property(anyPage, fc.nat(), fc.nat(255), anyBase, (page, at, byte, base) => {
      const bytes = encodePage(page)
      bytes[at % bytes.length] = byte
      try {
        searchPage(bytes, base)
        decodePage(bytes)
      } catch (error) {
        assert.ok(error instanceof WireError || (error as Error).name === 'Underflow')
      }
    }),
  )
})
