// Words that the screens of the tasks share.

import { sayDistance } from '../../core/distance.ts'
import type { Translate } from '../../core/problem.ts'

export const distanceWords = (t: Translate, distance_m: number): string => {
  const { key, n } = sayDistance(distance_m)
  return t(`tasks.${key}`, { n })
}

export function ageWords(t: Translate, minutes: number): string {
  if (minutes < 60) return t('tasks.age_minutes', { n: minutes })
  if (minutes < 48 * 60) return t('tasks.age_hours', { n: Math.round(minutes / 60) })
  return t('tasks.age_days', { n: Math.round(minutes / 1440) })
}
