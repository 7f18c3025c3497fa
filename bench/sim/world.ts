/**
 * What the simulation is about, from a seed: contents, volunteers, clients and what they ask for. The proportions are the seeds':
 * 2.2 million files of 2.86 TB, nine tenths of them below 1 MB and nine tenths of the bytes above; images 71 % and packages 23 % of
 * what is asked for; some forty edge nodes, of which each synchronizes 1.81 hours a day.
 */
import { type Root, rootOf } from '../../lib/hash/root.js'
import { type Chance, chanceOf } from './chance.js'

const MBIT = 1e6 / 8

export type Setting = {
  readonly seed: number
  readonly volunteers: number
  /** Bytes asked of volunteers over what they can send beside synchronization: 1 is all. */
  readonly load: number
  readonly files: number
  /** Of which the first are not measured; seconds. */
  readonly warmUp: number
  readonly seconds: number
  /** Between two reports of a volunteer, seconds. */
  readonly reportEvery: number
  /** Part of the time that a volunteer synchronizes, and of its line that this takes. */
  readonly syncTime: number
  readonly syncShare: number
  /** Part of the volunteers that mirror some products only. */
  readonly partial: number
  /** Do admins say what their line can do? */
  readonly declared: boolean
  /** Part of the volunteers that go within the measured time; half of them without a word. */
  readonly leaving: number
  /** How many times as much is asked for in the middle of the measured time; 1: no crowd. */
  readonly crowd: number
}

export const USUAL: Setting = {
  seed: 1,
  volunteers: 40,
  load: 0.6,
  files: 2_200_000,
  warmUp: 600,
  seconds: 1800,
  reportEvery: 30,
  syncTime: 1.81 / 24,
  syncShare: 0.5,
  partial: 0.4,
  declared: true,
  leaving: 0,
  crowd: 1,
}

/** Bytes a second that clients take, and how many of them. */
export const CLIENT_RATES = [10, 20, 50, 100, 200, 1000].map((rate) => rate * MBIT)
const CLIENT_WEIGHTS = [5, 10, 25, 40, 15, 5]
const VOLUNTEER_RATES = [50, 100, 200, 300, 500, 1000].map((rate) => rate * MBIT)
const PRODUCTS = 10
const IMAGE_PART = 0.71
const PACKAGE_PART = 0.23
/** Packages that a client fetches one after the other. */
const SESSION_PACKAGES = 12
/** Below it the centre serves. */
const SMALL_BYTES = 65_536
const SITES = 40
const CENTRE_RATE = 1000 * MBIT

export type Place = { readonly x: number; readonly y: number }

export type SimVolunteer = {
  readonly index: number
  readonly capacity: number
  readonly site: number
  readonly products: ReadonlySet<number>
}

export type SimContent = {
  readonly root: Root
  readonly bytes: number
  readonly product: number
  readonly kind: 'image' | 'package'
}

/** One client with what it asks for, one after the other. */
export type Session = {
  readonly at: number
  readonly site: number
  /** Which of CLIENT_RATES. */
  readonly rate: number
  /** Its address, one char a byte. */
  readonly address: string
  readonly contents: readonly SimContent[]
}

export type World = {
  readonly setting: Setting
  readonly volunteers: readonly SimVolunteer[]
  readonly sites: readonly Place[]
  /** All that volunteers can send, less what they synchronize in the mean. */
  readonly capacity: number
  readonly centreRate: number
  /** Of all files: bytes, and the part of them below 1 MB. */
  readonly bytes: number
  readonly belowMegabyte: number
  /** What the centre gives anyway: metadata and small files. */
  readonly centreBase: number
  /** In the order of their beginning. */
  sessions(): Generator<Session, undefined>
}

export function worldOf(setting: Setting): World {
  const chance = chanceOf(setting.seed)
  const sites = Array.from({ length: SITES }, () => ({ x: chance.part(), y: chance.part() }))
  const volunteers = Array.from({ length: setting.volunteers }, (_, index) =>
    volunteerOf(index, setting, chance),
  )
  const all = volunteers.reduce((sum, { capacity }) => sum + capacity, 0)
  const capacity = all * (1 - setting.syncTime * setting.syncShare)
  const catalogue = new Catalogue(setting.files, chance)
  const asked = (capacity * setting.load) / (IMAGE_PART + PACKAGE_PART)
  return {
    setting,
    volunteers,
    sites,
    capacity,
    bytes: catalogue.bytes,
    belowMegabyte: catalogue.belowMegabyte,
    centreRate: CENTRE_RATE,
    centreBase: Math.min(asked * (1 - IMAGE_PART - PACKAGE_PART), CENTRE_RATE * 0.8),
    sessions: () => sessionsOf(setting, asked, catalogue),
  }
}

function volunteerOf(index: number, { partial }: Setting, chance: Chance): SimVolunteer {
  const capacity = VOLUNTEER_RATES[chance.below(VOLUNTEER_RATES.length)] ?? MBIT
  const products = new Set<number>()
  const count = chance.part() < partial ? 3 + chance.below(5) : PRODUCTS
  while (products.size < count)
    products.add(count === PRODUCTS ? products.size : chance.below(PRODUCTS))
  return { index, capacity, site: index % SITES, products }
}

/** Sizes of all files, by product. */
class Catalogue {
  readonly #packages: Float64Array[] = []
  readonly #images: Float64Array[] = []
  readonly bytes: number
  readonly belowMegabyte: number

  constructor(files: number, chance: Chance) {
    let [bytes, below] = [0, 0]
    const each = Math.ceil(files / PRODUCTS)
    const images = Math.max(3, Math.round(each / 1000))
    for (let product = 0; product < PRODUCTS; product++) {
      const sizes = Float64Array.from({ length: each - images }, () =>
        Math.ceil(Math.min(500e6, chance.logNormal(41_000, 2.38))),
      )
      for (const size of sizes) {
        bytes += size
        if (size < 1e6) below++
      }
      // what a client asks a volunteer for is not small
      this.#packages.push(sizes.filter((size) => size >= SMALL_BYTES))
      this.#images.push(
        Float64Array.from({ length: images }, () => {
          const size =
            (IMAGE_BYTES[chance.weighted(IMAGE_WEIGHTS)] ?? 0) * (0.8 + 0.4 * chance.part())
          bytes += size
          return Math.ceil(size)
        }),
      )
    }
    this.bytes = bytes
    this.belowMegabyte = below / (each * PRODUCTS)
  }

  draw(kind: SimContent['kind'], product: number, chance: Chance): SimContent {
    const sizes = (kind === 'image' ? this.#images : this.#packages)[product] ?? new Float64Array(1)
    // recent ones first: most requests come within days of a release
    const at = Math.floor(sizes.length * chance.part() ** 3)
    const name = new Uint8Array(32)
    new DataView(name.buffer).setUint32(0, at)
    name[4] = product
    name[5] = kind === 'image' ? 1 : 0
    return { root: rootOf(name), bytes: sizes[at] ?? 1, product, kind }
  }

  /** What one request is in the mean. */
  meanOf(kind: SimContent['kind'], chance: Chance): number {
    let sum = 0
    for (let i = 0; i < 20_000; i++) sum += this.draw(kind, productOf(chance), chance).bytes
    return sum / 20_000
  }
}
const IMAGE_BYTES = [250e6, 650e6, 1200e6]
const IMAGE_WEIGHTS = [3, 6, 1]

/** Some products are asked for more than others, as one over their rank. */
const PRODUCT_WEIGHTS = Array.from({ length: PRODUCTS }, (_, rank) => 1 / (rank + 1))
const SITE_WEIGHTS = Array.from({ length: SITES }, (_, rank) => 1 / (rank + 1))
function productOf(chance: Chance): number {
  return chance.weighted(PRODUCT_WEIGHTS)
}

/** Drawn twice: so that what is asked for in all is what was said, whatever chance did to a few large images. */
function* sessionsOf(
  setting: Setting,
  asked: number,
  catalogue: Catalogue,
): Generator<Session, undefined> {
  const { seconds } = setting
  const [from, to] = crowdOf(setting)
  let left = asked * (IMAGE_PART + PACKAGE_PART) * (seconds + (to - from) * (setting.crowd - 1))
  let end = 0
  for (const { at, contents } of drawSessions(setting, asked, catalogue)) {
    for (const { bytes } of contents) left -= bytes
    end = at
    if (left <= 0) break
  }
  for (const session of drawSessions(setting, asked, catalogue)) {
    if (session.at >= end) return undefined
    yield { ...session, at: (session.at * seconds) / end }
  }
  return undefined
}

/** The middle third of the measured time. */
function crowdOf({ warmUp, seconds }: Setting): readonly [from: number, to: number] {
  const third = (seconds - warmUp) / 3
  return [warmUp + third, warmUp + 2 * third]
}

/** At random times from 0 on, without an end. */
function* drawSessions(
  setting: Setting,
  asked: number,
  catalogue: Catalogue,
): Generator<Session, never> {
  const chance = chanceOf(setting.seed + 1000)
  const imageEvery = catalogue.meanOf('image', chance) / (asked * IMAGE_PART)
  const packagesEvery =
    (catalogue.meanOf('package', chance) * SESSION_PACKAGES) / (asked * PACKAGE_PART)
  const every = 1 / (1 / imageEvery + 1 / packagesEvery)
  const [from, to] = crowdOf(setting)
  for (let at = 0; ; ) {
    const isCrowd = at >= from && at < to
    at += chance.exponential(every / (isCrowd ? setting.crowd : 1))
    const isImage = chance.part() < every / imageEvery
    const count = isImage ? 1 : 1 + Math.floor(chance.exponential(SESSION_PACKAGES - 0.5))
    // one machine, one product
    const product = productOf(chance)
    const site = chance.weighted(SITE_WEIGHTS)
    yield {
      at,
      site,
      rate: chance.weighted(CLIENT_WEIGHTS),
      address: String.fromCharCode(10, site, chance.below(256), chance.below(256)),
      contents: Array.from({ length: count }, () =>
        catalogue.draw(isImage ? 'image' : 'package', product, chance),
      ),
    }
  }
}
