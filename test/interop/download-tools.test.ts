/** curl, wget, wget2 and aria2 as Debian has them, unchanged, at a centre with volunteers: whole files, or a failure that is told. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ruled } from '../support/contents.js'
import type { VolunteerFault } from '../support/http-volunteers.js'
import { startMirrored } from '../support/interop-centre.js'
import { runAsync } from '../support/run-async.js'

const folder = t.testdir({ source: {} })
const BIG = Buffer.from(ruled(2_000_000))
writeFileSync(join(folder, 'source/disk-1.2.3.iso'), BIG)
symlinkSync('disk-1.2.3.iso', join(folder, 'source/latest.iso'))
const { centre, table, volunteers, reset } = await startMirrored(t, folder)
t.beforeEach(reset)
const url = `${centre.url}/disk-1.2.3.iso`

let runs = 0
async function run(program: string, args: readonly string[]) {
  const at = join(folder, `run${runs++}`)
  mkdirSync(at)
  const { status, stderr, stdout } = await runAsync(program, args, at)
  const read = (name: string): Buffer | null =>
    existsSync(join(at, name)) ? readFileSync(join(at, name)) : null
  return { status, said: stdout + stderr, read, at }
}
const isWhole = (bytes: Buffer | null): boolean => bytes?.equals(BIG) === true
const asked = (): number => volunteers.reduce((sum, each) => sum + each.asked.length, 0)
const needs = (program: string, debian: string): string | false =>
  spawnSync(program, ['--version']).status === 0 ? false : `needs the Debian package ${debian}`
const fail = (fault: VolunteerFault): void => {
  for (const each of volunteers) each.fault = fault
}

t.test('curl', { skip: needs('curl', 'curl') }, async (t) => {
  const plain = await run('curl', ['-fsSLO', url])
  t.ok(isWhole(plain.read('disk-1.2.3.iso')), 'from a volunteer')
  t.equal(asked(), 1)

  const resumed = await run('sh', [
    '-c',
    `curl -fsSL -A one -r 0-999999 -o part '${url}' && curl -fsSL -A two -C - -o part '${url}'`,
  ])
  t.ok(isWhole(resumed.read('part')), 'in two runs')

  const latest = await run('curl', ['-fsSL', '-A', 'three', '-OJ', `${centre.url}/latest.iso`])
  t.equal(latest.status, 0)
  t.ok(isWhole(latest.read('latest.iso') ?? latest.read('disk-1.2.3.iso')), 'through a link')

  reset()
  fail('busy')
  const retried = await run('curl', [
    '-fsSL',
    '-A',
    'four',
    '--retry',
    '3',
    '--retry-delay',
    '1',
    '-o',
    'x',
    url,
  ])
  t.ok(isWhole(retried.read('x')), '503 twice, then from the centre')
  t.equal(asked(), 2)
  t.same(
    table.evidence.map(([, { kind }]) => kind),
    ['retry', 'retry'],
  )

  reset()
  fail('bounce')
  const bounced = await run('curl', ['-fsSL', '-A', 'five', '-o', 'x', url])
  t.ok(isWhole(bounced.read('x')), 'sent back twice, then from the centre')
  t.same(
    table.evidence.map(([, { kind }]) => kind),
    ['bounce', 'bounce'],
  )

  const sums = await run('sh', [
    '-c',
    `curl -fsS '${url}.sha256' -o s && curl -fsSL -A six -O '${url}' && sha256sum -c s`,
  ])
  t.equal(sums.status, 0, sums.said)
})

t.test(
  'curl, with volunteers that cut and that stand still',
  { skip: needs('curl', 'curl') },
  async (t) => {
    const again = ['--retry', '5', '--retry-delay', '1', '--retry-all-errors']
    for (const fault of ['cut', 'slow'] as const) {
      reset()
      fail(fault)
      const still = ['--speed-limit', '1000', '--speed-time', '1']
      const got = await run('curl', ['-fsSLO', '-A', fault, ...again, ...still, url])
      t.equal(got.status, 0, got.said)
      t.ok(isWhole(got.read('disk-1.2.3.iso')), fault)
      t.ok(asked() > 0)
      t.ok(table.evidence.some(([, { kind }]) => kind === 'retry'))
    }
  },
)

t.test('wget', { skip: needs('wget', 'wget') }, async (t) => {
  const plain = await run('wget', ['-q', url])
  t.ok(isWhole(plain.read('disk-1.2.3.iso')))
  t.equal(asked(), 1)
  const again = await run('sh', [
    '-c',
    `wget -q -U one '${url}' && truncate -s 700000 disk-1.2.3.iso && wget -q -U two -c '${url}'`,
  ])
  t.ok(isWhole(again.read('disk-1.2.3.iso')), 'went on')
  const kept = await run('sh', ['-c', `wget -q -U three '${url}' && wget -U four -N '${url}'`])
  t.match(kept.said, /304|not modified|no newer/i, 'times are those of the centre')
  const tree = await run('wget', ['-q', '-U', 'five', '-r', '-np', '-nH', `${centre.url}/`])
  t.ok(isWhole(tree.read('m/disk-1.2.3.iso')), 'by the listing')
})

t.test('wget2', { skip: needs('wget2', 'wget2') }, async (t) => {
  const plain = await run('wget2', ['-q', url])
  t.ok(isWhole(plain.read('disk-1.2.3.iso')))
  t.ok(asked() >= 1)
})

t.test('aria2', { skip: needs('aria2c', 'aria2') }, async (t) => {
  // Digests are made when somebody asks.
  const sum = createHash('sha256').update(BIG).digest('hex')
  t.match(await (await fetch(`${url}.sha256`)).text(), sum)
  const quiet = ['-q', '--retry-wait=0', '--max-tries=2', '--connect-timeout=2']

  const metalink = await run('aria2c', [...quiet, url])
  t.equal(metalink.status, 0, metalink.said)
  t.ok(isWhole(metalink.read('disk-1.2.3.iso')), 'by the metalink')
  t.ok(asked() > 0)

  reset()
  const [first] = volunteers
  for (const each of volunteers) each.fault = each === first ? 'none' : 'wrong'
  const survived = await run('aria2c', [...quiet, '-U', 'aria2/one', `${url}.meta4`])
  t.equal(survived.status, 0, survived.said)
  t.ok(isWhole(survived.read('disk-1.2.3.iso')), 'two volunteers give wrong bytes')

  reset()
  fail('wrong')
  const last = await run('aria2c', [...quiet, '-U', 'aria2/three', `${url}.meta4`])
  t.equal(last.status, 0, last.said)
  t.ok(isWhole(last.read('disk-1.2.3.iso')), 'all volunteers give wrong bytes: the centre stays')

  reset()
  fail('wrong')
  const refused = await run('aria2c', [
    ...quiet,
    '-U',
    'aria2/two',
    '--no-conf',
    '--header=Accept: */*',
    '--follow-metalink=false',
    url,
  ])
  t.notOk(isWhole(refused.read('disk-1.2.3.iso')) && refused.status === 0, refused.said)
})
