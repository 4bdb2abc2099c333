// The page's side of waking: a tap on the line opens the inbox, and signing out ends it on this phone.

import { watch } from 'vue'
import { endPush } from '../../ports/push.ts'
import { session } from '../../ui/session.ts'
import { go } from '../route.ts'

export function startWaked(): void {
  if (!('serviceWorker' in navigator)) return
  navigator.serviceWorker.addEventListener('message', (event: MessageEvent<{ open?: string } | null>) => {
    if (event.data?.open === 'inbox') go('inbox')
  })
  // The server has ended it with the session already; the browser's end of it works without a network too.
  watch(
    () => session.state,
    (state, before) => {
      if (state === 'out' && (before === 'in' || before === 'failed')) void endPush().catch(() => undefined)
    },
  )
}
