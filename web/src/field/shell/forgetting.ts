// What a phone keeps of cases for use without a network goes with whom it was kept for: all of it when he signs
// out, a post's when he acts in it no more. What is still to be sent, and drafts, stay under his name; and so
// does everything when only the session has ended.

import { watch } from 'vue'
import { forgetSeen } from '../../ports/packstore.ts'
import { forget as forgetTasks } from '../../ports/taskstore.ts'
import { personOf, session, whose } from '../../ui/session.ts'
import { store as reports } from '../report/reporting.ts'

async function forget(kept: string): Promise<void> {
  await Promise.all([forgetTasks(kept), forgetSeen(kept), reports.forget(kept).catch(() => undefined)])
}

/** Once a page. */
export function startForgetting(): void {
  watch(whose, (_, before) => {
    if (before && !session.me) void forget(personOf(before))
    else if (before !== personOf(before)) void forget(before)
  })
}
