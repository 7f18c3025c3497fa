/**
 * What clients asked of a product's last release as it aged: what to expect of the next, before anybody could ask. Images alone:
 * a set of packages has no successor. Rates are bytes a second, times milliseconds since the epoch.
 */
import { WireError } from '../base/errors.js'
import { countAt, listAt, numberAt, objectOf, parseObject, stringAt } from '../base/json.js'
import { WINDOW_MS } from './placement.js'

/** The age of a release, in steps: demand falls within hours. */
const STEP_MS = 3_600_000
const STEPS = WINDOW_MS / STEP_MS
/** Products that are remembered, those with the newest releases. */
const MOST = 1000

export type Launch = { readonly id: string; readonly product: string; readonly releasedMs: number }
type Course = {
  readonly product: string
  readonly id: string
  readonly releasedMs: number
  /** The most that was asked in each step of its age. */
  readonly rates: number[]
}

/** The same for each release of a product: its numbers do not count. @param name of the image below its module */
export function productOf(module: string, name: string): string {
  return `${module}/${name.replace(/\d+/g, '#')}`
}

export class ProductDemand {
  /** By product: the newest release, and the one before. */
  readonly #now = new Map<string, Course>()
  readonly #last = new Map<string, Course>()

  /** So much is asked of it now. */
  seen({ id, product, releasedMs }: Launch, rate: number, nowMs: number): void {
    let course = this.#now.get(product)
    if (course === undefined || course.releasedMs < releasedMs) {
      if (course !== undefined) put(this.#last, course)
      course = { product, id, releasedMs, rates: [] }
      put(this.#now, course)
    }
    if (course.id !== id) return
    const step = stepOf(releasedMs, nowMs)
    while (course.rates.length <= step) course.rates.push(0)
    course.rates[step] = Math.max(course.rates[step] ?? 0, Math.round(rate))
  }

  /** What was asked of the release before when it was as old; null: there was none. */
  expected({ id, product, releasedMs }: Launch, nowMs: number): number | null {
    const course = this.#now.get(product)?.id === id ? this.#last.get(product) : undefined
    return course === undefined ? null : (course.rates[stepOf(releasedMs, nowMs)] ?? 0)
  }

  format(): string {
    return JSON.stringify({ now: [...this.#now.values()], last: [...this.#last.values()] })
  }
  /** @throws {WireError} */
  static parse(text: string): ProductDemand {
    const from = parseObject(text, 'demand')
    const demand = new ProductDemand()
    for (const value of listAt(from, 'now', MOST)) put(demand.#now, courseOf(value))
    for (const value of listAt(from, 'last', MOST)) put(demand.#last, courseOf(value))
    return demand
  }
}

function stepOf(releasedMs: number, nowMs: number): number {
  return Math.max(0, Math.min(STEPS - 1, Math.floor((nowMs - releasedMs) / STEP_MS)))
}

function courseOf(value: unknown): Course {
  const from = objectOf(value, 'demand')
  const [product, id] = [stringAt(from, 'product'), stringAt(from, 'id')]
  if (product === '') throw new WireError('no product', { at: 'demand' })
  const rates = listAt(from, 'rates', STEPS).map((rate) => numberAt({ rate }, 'rate'))
  return { product, id, releasedMs: countAt(from, 'releasedMs'), rates }
}

function put(courses: Map<string, Course>, course: Course): void {
  courses.delete(course.product)
  courses.set(course.product, course)
  const oldest = courses.keys().next()
  if (courses.size > MOST && oldest.done !== true) courses.delete(oldest.value)
}
