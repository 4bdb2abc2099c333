// What a line of a history says of where it was said: the distance as the server measured it, or that it
// was not measured. Shown to whoever verifies and at the centre alike.

import type { HistoryLine } from '../../api/types.ts'
import { sayDistance } from '../../core/distance.ts'
import type { Standing } from '../../core/distance.ts'
import type { Translate } from '../../core/problem.ts'

/** Actions that are a word about a place: ON_SITE of gridmgmt/domain/onsite.py. */
const ON_SITE: readonly string[] = ['confirm', 'pass_verification', 'fail_verification']

interface Measured {
  standing: Standing
  distance_m?: number | null
  accuracy_m?: number | null
  basis?: 'point' | 'cell' | null
}

export interface PlaceSaid {
  standing: Standing
  text: string
  reason: string
}

/** What to show beside a line; null where nothing of a place belongs. */
export function placeSaid(line: Pick<HistoryLine, 'action' | 'facts'>, t: Translate): PlaceSaid | null {
  const place = line.facts['place'] as Measured | undefined
  if (!place && !ON_SITE.includes(line.action)) return null
  const why = line.facts['place_reason']
  const reason = typeof why === 'string' && why.trim() ? t('tasks.said.reason', { text: why }) : ''
  if (!place || place.standing === 'not_measured' || typeof place.distance_m !== 'number') {
    return { standing: 'not_measured', text: t('tasks.said.not_measured'), reason }
  }
  return { standing: place.standing, text: distanceSaid(place, 'tasks.said', t), reason }
}

/** From how far somebody saw the same thing again. */
export function placeSeen(place: Measured, t: Translate): string {
  return place.standing === 'not_measured' ? t('report.seen_from.not_measured') : distanceSaid(place, 'report.seen_from', t)
}

function distanceSaid(place: Measured, texts: string, t: Translate): string {
  const said = sayDistance(place.distance_m ?? 0)
  const named = { distance: t(`tasks.${said.key}`, { n: said.n }), accuracy: accuracyOf(place, t) }
  const inside = place.basis === 'cell' && place.standing === 'at_place' && place.distance_m === 0
  return t(`${texts}.${place.standing}${inside ? '_cell' : ''}`, named)
}

const accuracyOf = (place: Measured, t: Translate): string =>
  typeof place.accuracy_m === 'number' ? String(Math.round(place.accuracy_m)) : t('tasks.said.unknown')
