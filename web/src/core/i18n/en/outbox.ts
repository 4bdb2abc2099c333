import type { Texts } from '../texts.ts'
import type { texts as chinese } from '../zh-CN/outbox.ts'

export const texts: Texts<typeof chinese> = {
  outbox: {
    state: {
      queued: 'waiting',
      sending: 'sending',
      sent: 'delivered',
      refused: 'refused',
      conflict: 'needs a look',
      held: 'behind another',
    },
    photos: '{stored}/{all} photos delivered',
    photo_stored: 'delivered',
    held: 'goes after “{title}” is settled',
    held_long: 'The step before it on this case, “{title}”, did not go through. Settle that one, and this goes by itself.',
    see_it: 'See the step before',
    arrived: 'Delivered',
    conflict: 'The case has changed',
    conflict_short: 'the case has changed, please look',
    conflict_hint: 'Somebody moved the case after you saw it. Nothing was overwritten; the choice is yours.',
    meant: 'What you meant',
    now: 'The case now',
    now_unknown: 'shown when online',
    look: 'Look again',
    redo: 'Do it on the case as it is',
    drop: 'Give this step up',
    conflict_over: 'At its present stage the case no longer takes this step. Open the case, or give the step up.',
    drop_sure: 'Delete this? It never arrived, and its photos go from this page too.',
    gone: 'This is no longer on this phone, or it is not yours.',
    of_others: '{n} of somebody else wait on this phone. They go when their owner signs in; what they say is not shown.',
    storage_low: 'This page’s room on the phone is nearly full ({used} MB of {quota} MB). Send soon, or free some space.',
  },
}
