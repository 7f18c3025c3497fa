/** Times as HTTP says them: RFC 9110 §5.6.7, IMF-fixdate. */

const DAY = 86_400
/** The last second of the year 9999; later and earlier ones are rare. */
const LAST = 253_402_300_799
const WEEKDAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'] as const
const MONTHS = [
  ...['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
] as const
const TWO_DIGITS = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))

/** By arithmetic: a Date says it in four times as long. @param seconds since 1970, whole */
export function httpDate(seconds: number): string {
  if (!(seconds >= 0 && seconds <= LAST)) return new Date(seconds * 1000).toUTCString()
  const days = Math.floor(seconds / DAY)
  const rest = seconds - days * DAY
  // years begin in March, so that a leap day is the last; eras of 400 years are alike
  const since = days + 719_468
  const era = Math.floor(since / 146_097)
  const ofEra = since - era * 146_097
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) /
      365,
  )
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100))
  const month = Math.floor((5 * ofYear + 2) / 153)
  const day = ofYear - Math.floor((153 * month + 2) / 5) + 1
  const inYear = era * 400 + year + (month < 10 ? 0 : 1)
  const two = (n: number): string => TWO_DIGITS[n] ?? ''
  const clock = `${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`
  return `${WEEKDAYS[days % 7]}, ${two(day)} ${MONTHS[(month + 2) % 12]} ${String(inYear).padStart(4, '0')} ${clock} GMT`
}
