import { rmSync } from 'node:fs'
import t from 'tap'
import { type ByteName, byteName, ROOT_NAME } from '../../lib/base/byte-name.js'
import { Filter } from '../../lib/flist/filter-match.js'
import { DiskTree } from '../../lib/io/tree.js'
import { SourceList } from '../../lib/rsync/source-list.js'
import type { SourceRules } from '../../lib/rsync/source-look.js'

const RULES: SourceRules = {
  ...{ recursive: true, dirs: true, links: true, copyLinks: false, copyUnsafeLinks: false },
  ...{ safeLinks: false, copyDirlinks: false, mungeLinks: false, copyDevices: null, chmod: null },
  ...{
    hardLinks: false,
    atimes: false,
    oneFileSystem: 0,
    incRecursive: true,
    lacking: null,
    isHidden: null,
  },
}
const NO_RULES = {
  side: 'sender' as const,
  ...{ deleteExcluded: false, rootPath: '' },
  ...{ readMerge: () => null },
}

t.test('a directory that goes away before it is listed has nothing in it', (t) => {
  const home = t.testdir({ gone: { f: '1' }, stays: {} })
  const vanished: string[] = []
  const list = new SourceList(RULES, () => new Filter([], NO_RULES), {
    trace: {},
    fault: (_call, _path, error) => t.fail(String(error)),
    vanished: (path) => vanished.push(path),
    absentAbove: () => {},
    skipped: () => {},
    copiesUnsafe: () => {},
  })
  const tree = new DiskTree(home, {
    followsLinks: false,
    isPlain: true,
    keepsAtime: false,
    within: null,
  })
  t.teardown(() => tree.close())
  const name = (text: string): ByteName => byteName(text)
  for (const each of ['gone', 'stays'])
    list.add(name(each), { tree, name: name(each) }, true, false)
  rmSync(`${home}/gone`, { recursive: true })
  list.expand(list.root, null)
  t.match(list.root.listed, [
    { name: 'gone', contents: { length: 1 } },
    { name: 'stays', contents: { length: 1 } },
  ])
  t.same(vanished, [`${home}/gone`])
  t.equal(list.root.name, ROOT_NAME)
  t.end()
})
