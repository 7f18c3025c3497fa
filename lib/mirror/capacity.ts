/**
 * What a volunteer can send, measured: admins do not know, or say too much. Grown while a volunteer shows that it can send more,
 * taken back when its clients get less than clients usually take. An unknown capacity would cost far more than a wrong one.
 */
import { capacityOf } from './balance.js'
import type { LoadReport } from './report.js'
import type { Volunteer } from './volunteer.js'

/** Fewer flows say nothing about the line: their clients may be slow. */
const FEWEST_FLOWS = 8
/** Flows that get less than this part of what is usual are held up by the line. */
const HELD_UP = 0.4
/** Of what is believed, in use: only then more is tried where nothing was declared. */
const TRIED = 0.9
const GROWTH = 1.25

/** @returns `Volunteer.measured` after this report; null: nothing contradicts what was declared */
export function measuredAfter(
  volunteer: Volunteer,
  report: LoadReport,
  usualRate: number,
): number | null {
  const { declared, measured } = volunteer
  const believed = capacityOf(volunteer)
  const sent = report.clientRate + report.syncRate
  const isHeldUp =
    report.flows >= FEWEST_FLOWS && report.clientRate / report.flows < HELD_UP * usualRate
  // half the way each time: it may be by chance that all its clients are slow
  if (isHeldUp && sent < believed) return (believed + sent) / 2
  if (declared === null)
    return Math.max(believed, sent, sent > TRIED * believed ? believed * GROWTH : 0)
  if (measured === null) return null
  const grown = Math.max(sent, believed * GROWTH)
  return grown < declared ? grown : null
}
