// Reports of this person that have not left the phone, as things on the map.

import type { ReportIn } from '../../api/types.ts'
import { lngLat } from '../../core/geo.ts'
import type { Entry } from '../../core/outbox.ts'
import type { Thing } from './things.ts'

export const unsentThings = (entries: readonly Entry[]): Thing[] =>
  entries.flatMap(({ id, kind, state, title, body }): Thing[] => {
    if (kind !== 'report' || state === 'sent') return []
    const { position } = body as unknown as ReportIn
    return [
      {
        id, kind: 'unsent', name: title, number: null, place: lngLat(position.lon, position.lat),
        light: null, state: null, basis: 'point', done: false,
      },
    ]
  })
