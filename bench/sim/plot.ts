/** Plots as SVG: lines over load, and bars of volunteers. Plain shapes and text, readable on white and without a style sheet. */

export type Series = { readonly name: string; readonly values: readonly number[] }

const WIDTH = 760
const HEIGHT = 440
const BOX = { left: 70, top: 50, right: 560, bottom: 380 }
/** Told apart by the colour-blind too (Okabe and Ito), and by dashes. */
const COLOURS = [
  '#999999',
  '#e69f00',
  '#56b4e9',
  '#009e73',
  '#cc79a7',
  '#d55e00',
  '#000000',
  '#0072b2',
]
const DASHES = ['2 3', '6 3', '2 3', '6 3', '2 3', '6 3', 'none', '9 3']

export type LinePlot = {
  readonly title: string
  readonly x: readonly number[]
  readonly xTitle: string
  readonly yTitle: string
  /** From a power of ten to a power of ten; else from 0. */
  readonly logarithmic: boolean
  readonly series: readonly Series[]
}

export function linePlot({ title, x, xTitle, yTitle, logarithmic, series }: LinePlot): string {
  const all = series.flatMap(({ values }) => values.filter(Number.isFinite))
  const [low, high] = logarithmic
    ? [
        10 ** Math.floor(Math.log10(Math.min(...all))),
        10 ** Math.ceil(Math.log10(Math.max(...all))),
      ]
    : [0, niceAbove(Math.max(...all))]
  const place = (value: number): number => {
    const part = logarithmic
      ? Math.log(value / low) / Math.log(high / low)
      : (value - low) / (high - low)
    return BOX.bottom - part * (BOX.bottom - BOX.top)
  }
  const first = x[0] ?? 0
  const last = x.at(-1) ?? 1
  const along = (value: number): number =>
    BOX.left + ((value - first) / (last - first)) * (BOX.right - BOX.left)
  const marks = logarithmic
    ? decades(low, high)
    : Array.from({ length: 6 }, (_, i) => (high * i) / 5)
  const out = [
    ...marks.map((mark) => level(place(mark), short(mark))),
    ...x.map((value) => text(along(value), BOX.bottom + 20, short(value), 'middle')),
    text((BOX.left + BOX.right) / 2, BOX.bottom + 44, xTitle, 'middle'),
    side(yTitle),
  ]
  const labels = spread(series.map(({ values }) => place(values.at(-1) ?? low)))
  series.forEach(({ name, values }, i) => {
    const points = values.map((value, k) => `${round(along(x[k] ?? 0))},${round(place(value))}`)
    const colour = COLOURS[i % COLOURS.length] ?? '#000'
    const width = name === 'prsync' ? 3.5 : 2
    out.push(
      `<polyline fill="none" stroke="${colour}" stroke-width="${width}" stroke-dasharray="${DASHES[i % DASHES.length]}" points="${points.join(' ')}"/>`,
      text(BOX.right + 10, (labels[i] ?? 0) + 4, name, 'start', colour),
    )
  })
  return page(title, HEIGHT, out)
}

export type BarPlot = {
  readonly title: string
  readonly yTitle: string
  readonly xTitle: string
  /** A panel each, one below the other. */
  readonly series: readonly Series[]
}

/** A panel for each series; bars from 0 to 1. */
export function barPlot({ title, yTitle, xTitle, series }: BarPlot): string {
  const panel = 110
  const out: string[] = []
  series.forEach(({ name, values }, i) => {
    const bottom = BOX.top + 20 + i * (panel + 34) + panel
    const width = (BOX.right + 120 - BOX.left) / values.length
    for (const mark of [0, 0.5, 1])
      out.push(level(bottom - mark * panel, short(mark), BOX.right + 120))
    out.push(text(BOX.left, bottom - panel - 8, name, 'start'))
    values.forEach((value, k) => {
      const height = Math.min(1.02, value) * panel
      out.push(
        `<rect x="${round(BOX.left + k * width + 1)}" y="${round(bottom - height)}" width="${round(width - 2)}" height="${round(height)}" fill="${COLOURS[7]}"/>`,
      )
    })
  })
  const height = BOX.top + 20 + series.length * (panel + 34) + 40
  out.push(text(WIDTH / 2, height - 22, xTitle, 'middle'), side(yTitle, height / 2))
  return page(title, height, out)
}

function page(title: string, height: number, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${WIDTH / 2}" y="26" text-anchor="middle" font-size="16" fill="#000">${title}</text>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

function level(y: number, label: string, right = BOX.right): string {
  return `<line x1="${BOX.left}" x2="${right}" y1="${round(y)}" y2="${round(y)}" stroke="#ddd"/>${text(BOX.left - 8, y + 4, label, 'end')}`
}

function text(x: number, y: number, words: string, anchor: string, colour = '#333'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${colour}">${words}</text>`
}

function side(words: string, y = (BOX.top + BOX.bottom) / 2): string {
  return `<text transform="translate(20 ${round(y)}) rotate(-90)" text-anchor="middle" fill="#333">${words}</text>`
}

/** Labels at least a line apart, each near its own place. */
function spread(places: readonly number[]): number[] {
  const order = places.map((_, i) => i).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0))
  const out = [...places]
  let last = Number.NEGATIVE_INFINITY
  for (const i of order) {
    out[i] = Math.max(places[i] ?? 0, last + 17)
    last = out[i] ?? 0
  }
  const over = Math.max(0, last - BOX.bottom)
  return out.map((place) => place - over)
}

function decades(low: number, high: number): number[] {
  const out: number[] = []
  for (let mark = low; mark <= high * 1.001; mark *= 10) out.push(mark)
  return out
}

function niceAbove(value: number): number {
  const step = 10 ** Math.floor(Math.log10(value)) / 2
  return Math.ceil(value / step) * step
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}
function round(value: number): number {
  return Math.round(value * 10) / 10
}
