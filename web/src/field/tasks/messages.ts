// The inbox without a network: the newest page is kept on the phone, and an acknowledgement goes out when it can.

import { otherJob } from '../../core/outbox.ts'
import { newId } from '../../ports/ids.ts'
import { keepInboxPage, keptInbox } from '../../ports/taskstore.ts'
import { keepInbox } from '../../ui/inbox/inbox.ts'
import { i18n } from '../../ui/i18n.ts'
import { keep } from '../outbox/sending.ts'

/** Before the inbox is started; once per page. */
export function keepMessages(): void {
  keepInbox({
    load: keptInbox,
    keep: (person_id, page) => void keepInboxPage(person_id, JSON.parse(JSON.stringify(page)) as typeof page),
    acknowledge: (one) =>
      keep(
        otherJob({
          id: newId(),
          chain: `inbox:${one.id}`,
          title: i18n.global.t('inbox.acknowledge') + ' · ' + String(one.facts['number'] ?? ''),
          path: `/inbox/${one.id}/acknowledge`,
        }),
      ),
  })
}
