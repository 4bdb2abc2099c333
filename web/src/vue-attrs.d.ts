// What may be handed through any component to the element it draws, so that a component of a library can be
// given a role, a name and keys without being declared anew.

import type {} from 'vue'

declare module 'vue' {
  interface AllowedComponentProps {
    role?: string
    tabindex?: number | string
    onKeydown?: (event: KeyboardEvent) => void
    [aria: `aria-${string}`]: unknown
  }
}
