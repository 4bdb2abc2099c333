// Whether this phone is online: what the browser says, and whether the server answered lately.

import { computed, ref } from 'vue'
import { session } from '../../ui/session.ts'

const wired = ref(navigator.onLine)
const notice = (): void => void (wired.value = navigator.onLine)
addEventListener('online', notice)
addEventListener('offline', notice)

export const online = computed(() => wired.value && session.state !== 'failed')
