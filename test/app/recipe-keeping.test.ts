import { join } from 'node:path'
import t from 'tap'
import { MemorySink } from '../../lib/app/memory-sink.js'
import { RecipeKeeping } from '../../lib/app/recipe-keeping.js'
import { ROOT_NAME } from '../../lib/base/byte-name.js'
import { Store } from '../../lib/io/store.js'
import { contentOf } from '../support/contents.js'
import { seededRandom } from '../support/seeded-random.js'

const random = seededRandom(17)
const bytes = (n: number): Buffer => Buffer.from(random.bytes(n))

t.test('what is in the index is not fetched, what is fetched goes there', async (t) => {
  const store = new Store(join(t.testdir({}), 'index'))
  t.teardown(() => store.close())
  const [here, small, large] = [bytes(500), bytes(700), bytes(200_000)].map((all) => ({
    all,
    content: contentOf(all),
  }))
  if (here === undefined || small === undefined || large === undefined) return
  store.transaction(() => store.putBlob(here.content, here.all))
  const offered: string[] = []
  const keeping = new RecipeKeeping(store, (roots) => offered.push(...roots))
  const asked: string[] = []
  const fetcher = keeping.over(async (missing, sink) => {
    asked.push(...missing.map(({ content }) => content.root))
    sink.small(small.content, small.all)
    const partial = sink.open(large.content)
    partial.write(0, large.all)
    partial.finish(null)
  })
  const wanted = [here, small, large].map(({ content }) => ({
    content,
    since: 1,
    name: ROOT_NAME,
    ranges: [],
  }))
  const sink = new MemorySink()
  await fetcher(wanted, sink, new AbortController().signal)
  t.same(asked, [small.content.root, large.content.root])
  t.same(offered.sort(), [small.content.root, large.content.root].sort())
  for (const { content, all } of [here, small, large]) {
    t.ok(Buffer.from(sink.contents.get(content.root) ?? []).equals(all))
    t.ok(Buffer.from(store.blob(content.root) ?? []).equals(all))
  }
  keeping.bind([{ content: large.content, recipe: small.content }])
  t.equal(store.recipe(large.content.root), null, 'what does not stand here has none')
})
