// The inbox without a network: the newest page is kept on the phone, and an acknowledgement goes out when it can.

import { keepInboxPage, keptInbox } from '../../ports/taskstore.ts'
import { keepInbox } from '../../ui/inbox/inbox.ts'
import { call } from '../../ports/http.ts'

/** Before the inbox is started; once per page. */
export function keepMessages(): void {
  keepInbox({
    load: keptInbox,
    keep: (person_id, page) => void keepInboxPage(person_id, JSON.parse(JSON.stringify(page)) as typeof page),
    acknowledge: async (one) => void (await call(`/inbox/${one.id}/acknowledge`, { method: 'POST', behalf: null })),
  })
}
