// Forms that hold something nobody has stored yet. While one does, the page is neither left nor renewed
// without a question.

import { computed, onUnmounted, reactive, watch } from 'vue'

const held = reactive(new Set<symbol>())

/** Whether anything on the page would be lost if the page went away now. */
export const unsaved = computed(() => held.size > 0)

/** For a form: `dirty` says whether it holds something that is stored nowhere. Ends with the component. */
export function useUnsaved(dirty: () => boolean): void {
  const mine = Symbol('form')
  watch(dirty, (now) => (now ? held.add(mine) : held.delete(mine)), { immediate: true })
  onUnmounted(() => held.delete(mine))
}

/** Once per page: the browser asks before it closes a tab that holds something unsaved. */
export function startUnsaved(): void {
  addEventListener('beforeunload', (event) => {
    if (unsaved.value) event.preventDefault()
  })
}
