/** Numbers as rsync writes them: with separators, or in units. rsync(1) --human-readable. */

/** @param level 0: digits, 1: with commas, 2: in 1000s, 3: in 1024s */
export function formatNumber(value: number, level: number): string {
  if (level === 0) return String(value)
  if (level > 1) {
    const base = level === 2 ? 1000 : 1024
    if (value >= base) {
      let rest = value
      let power = 0
      while (rest >= base && power < UNITS.length) {
        rest /= base
        power++
      }
      return `${rest.toFixed(2)}${UNITS.charAt(power - 1)}`
    }
  }
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}
const UNITS = 'KMGTP'

/** With two digits behind the point: rates. */
export function formatFraction(value: number, level: number): string {
  if (level > 1 && value >= (level === 2 ? 1000 : 1024)) return formatNumber(value, level)
  const [whole = '', digits = '00'] = value.toFixed(2).split('.')
  return `${level === 0 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${digits}`
}
