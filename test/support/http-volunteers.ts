/** Volunteers for tests: plain HTTP servers on addresses of loopback, with the faults that clients meet; and a table of them in memory. */
import { readFileSync, statSync } from 'node:fs'
import type { Test } from 'tap'
import { withBytes, withoutBytes } from '../../lib/app/file-answer.js'
import type { VolunteerTable } from '../../lib/app/redirect-desk.js'
import { decodePath } from '../../lib/app/url-path.js'
import type { HttpAnswer, HttpRequest } from '../../lib/base/http.js'
import { textAnswer } from '../../lib/base/http-answers.js'
import { serveHttp } from '../../lib/io/http-server.js'
import { bounceAnswer, bounceKey, formatBounce } from '../../lib/mirror/bounce.js'
import { fileHeaders, validatorsOf } from '../../lib/mirror/file-headers.js'
import type { Evidence } from '../../lib/mirror/health.js'
import type { Volunteer } from '../../lib/mirror/volunteer.js'
import { loadReport, volunteer } from './volunteers.js'

export type VolunteerFault = 'none' | 'missing' | 'busy' | 'wrong' | 'cut' | 'slow' | 'bounce'

export type TestVolunteer = {
  readonly id: string
  readonly url: string
  fault: VolunteerFault
  /** Paths, as they came. */
  readonly asked: string[]
  stop(): Promise<void>
}

const SECRET = Buffer.alloc(32, 7)

/** Gives the files of `directory` as `/m/…`. @param centre where it bounces to */
export async function startVolunteer(
  t: Test,
  id: string,
  host: string,
  directory: string,
  centre: () => string,
  tls: { readonly cert: string; readonly key: string } | null = null,
): Promise<TestVolunteer> {
  const asked: string[] = []
  const state: { fault: VolunteerFault } = { fault: 'none' }
  const server = await serveHttp({
    host,
    port: 0,
    tls,
    upgrade: null,
    log: () => {},
    handle: (request) => {
      asked.push(request.path)
      return Promise.resolve(answer(id, state.fault, directory, centre(), request))
    },
  })
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (!isStopped) await server.close()
    isStopped = true
  }
  t.teardown(stop)
  return Object.assign(state, {
    id,
    url: `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${server.port}`,
    asked,
    stop,
  })
}

function answer(
  id: string,
  fault: VolunteerFault,
  directory: string,
  centre: string,
  request: HttpRequest,
): HttpAnswer {
  const name = (decodePath(request.path) ?? '').replace(/^\/m\//, '')
  if (fault === 'missing') return textAnswer(404, 'no such file\n')
  if (fault === 'busy') return textAnswer(503, 'busy\n')
  if (fault === 'bounce') {
    const bounce = formatBounce(bounceKey(SECRET, id), id, 'lacks', `m/${name}`)
    return bounceAnswer(`${centre}${request.path}`, bounce)
  }
  const path = Buffer.from(`${directory}/${name}`, 'latin1')
  const bytes = readFileSync(path)
  if (fault === 'wrong') bytes.fill(0x21, bytes.length >> 1)
  const { mtimeMs } = statSync(path)
  const validators = validatorsOf({ size: bytes.length, mtimeMs })
  const file = { name, byLink: false, validators, sha256: null }
  const read = (offset: number, length: number): Promise<Uint8Array> =>
    fault === 'cut' && offset > 0
      ? Promise.reject(new Error('cut'))
      : fault === 'slow' && offset > 0
        ? new Promise(() => {}) // it never goes on
        : Promise.resolve(bytes.subarray(offset, offset + length))
  const given = { length: bytes.length, read }
  const headers = fileHeaders(file)
  return (
    withoutBytes(request, headers, bytes.length) ?? withBytes(request, headers, given, () => {})
  )
}

/** All of them hold everything, unless `lacking` says otherwise. */
export class TestTable implements VolunteerTable {
  volunteers: Volunteer[] = []
  readonly evidence: [id: string, Evidence][] = []
  readonly lacking = new Set<string>()
  centre = { uplink: null, rate: 0, usualRate: null }

  add(id: string, baseUrl: string, change: Partial<Volunteer> = {}): void {
    const now = Date.now()
    const ready = { joinedMs: now - 86_400_000, report: loadReport({ atMs: now, fair: 1e9 }) }
    const slot = this.volunteers.length
    this.volunteers.push(volunteer(slot, { ...ready, id, baseUrl, declared: 1e9, ...change }))
  }
  holds(): (slot: number) => boolean {
    return (slot) => !this.lacking.has(this.volunteers[slot]?.id ?? '')
  }
  bounceKey(id: string): Uint8Array | null {
    return this.volunteers.some((each) => each.id === id) ? bounceKey(SECRET, id) : null
  }
  sent(): void {}
  saw(id: string, evidence: Evidence): void {
    this.evidence.push([id, evidence])
  }
}
