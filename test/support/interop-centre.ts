/** A centre with volunteers on several addresses of loopback, for clients of others. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startCentre, type TestCentre } from './centre.js'
import { startVolunteer, TestTable, type TestVolunteer } from './http-volunteers.js'

export type Mirrored = {
  readonly centre: TestCentre
  readonly table: TestTable
  readonly volunteers: readonly TestVolunteer[]
  /** All sound again, with nothing remembered of what they were asked. */
  reset(): void
}

/** @param folder has `source`, which is served as `m` by the centre and by three volunteers */
export async function startMirrored(t: Test, folder: string): Promise<Mirrored> {
  const source = join(folder, 'source')
  mkdirSync(join(folder, 'state'))
  const table = new TestTable()
  const centre = await startCentre(source, join(folder, 'state'), { volunteers: table })
  t.teardown(() => centre.stop())
  const { origin } = new URL(centre.url)
  const volunteers: TestVolunteer[] = []
  for (const [i, host] of ['127.0.0.2', '127.0.0.3', '127.0.0.4'].entries())
    volunteers.push(await startVolunteer(t, `v${i + 1}`, host, source, () => origin))
  const reset = (): void => {
    table.volunteers = []
    table.evidence.length = 0
    for (const each of volunteers) {
      each.fault = 'none'
      each.asked.length = 0
      table.add(each.id, each.url)
    }
  }
  reset()
  return { centre, table, volunteers, reset }
}
