// Reports of this person that have not left the phone, as things on the map.

import { lngLat } from '../../core/geo.ts'
import type { Entry } from '../../core/outbox.ts'
import type { Thing } from './things.ts'

export const unsentThings = (entries: readonly Entry[]): Thing[] =>
  entries
    .filter((entry) => entry.state !== 'sent')
    .map(({ id, title, report: { position } }) => ({
      id, kind: 'unsent', name: title, number: null, place: lngLat(position.lon, position.lat),
      light: null, state: null, basis: 'point', done: false,
    }))
