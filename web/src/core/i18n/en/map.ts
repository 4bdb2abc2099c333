// The map: own grids, what is near, what is kept for offline use.

import type { Texts } from '../texts.ts'
import type { texts as chinese } from '../zh-CN/map.ts'

export const texts: Texts<typeof chinese> = {
  own_map: {
    title: 'Map',
    home: 'Map',
    label: 'Map of my grids; the list below holds the same, nearest first',
    here: 'Back to where I am',
    not_recorded: 'looked at while this page is open, not recorded',
    accuracy_unknown: 'Located, accuracy unknown',
    outside: 'You are outside this subdistrict; the map stays at the grids.',
    never_seen: 'The map has never been opened on this phone; open it once with a network.',
    never_read: 'No network; tasks and cases have not been read yet.',
    as_of: 'No network; tasks and cases as of {time}.',
    beyond: 'No network; the phone keeps the map of your own grids only, the rest is blank.',
    basemap: 'Show the base map (needs a network)',
    no_fix: {
      insecure: 'This page is not on a secure connection, so the browser gives no position',
      denied: 'No permission for the position',
      timeout: 'No position for now',
      failed: 'Locating failed',
    },
    list: 'On the map',
    by_distance: 'Nearest first',
    nothing: 'No tasks, cases or checkpoints near.',
    more: 'Show {n} more',
    kinds: { task: 'My task', own: 'My report', unsent: 'Report still on this phone', near: 'Case near', checkpoint: 'Checkpoint' },
    spot_due: 'due today',
    spot_done: 'not due today',
    by_cell: 'grid known only',
    packs: 'Offline map',
    packs_means: 'The map and checkpoints of your grids are kept on the phone for when there is no signal; they are renewed when the plan of grids changes.',
    packs_away: 'No network; nothing can be renewed now.',
    pack_states: {
      kept: 'kept, up to date',
      stale: 'kept, a newer one is not fetched yet',
      missing: 'could not be fetched',
      unwanted: 'deleted, not fetched again',
      no_room: 'too little room on the phone, not fetched',
    },
    kept_at: 'as of {time}',
    kb: '{n} KB',
    mb: '{n} MB',
    pack_drop: 'Delete',
    pack_take: 'Download',
  },
}
