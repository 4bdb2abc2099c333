// Small conveniences kept per browser or per tab. Losing them costs a tap, never data.

function safely<T>(work: () => T, otherwise: T): T {
  try {
    return work()
  } catch {
    // Storage is forbidden in some private modes.
    return otherwise
  }
}

const PREFIX = 'gridmgmt.'

export const prefs = {
  get: (name: string): string | null => safely(() => localStorage.getItem(PREFIX + name), null),
  set: (name: string, value: string): void => safely(() => localStorage.setItem(PREFIX + name, value), undefined),
  remove: (name: string): void => safely(() => localStorage.removeItem(PREFIX + name), undefined),
}

export const tabPrefs = {
  get: (name: string): string | null => safely(() => sessionStorage.getItem(PREFIX + name), null),
  set: (name: string, value: string): void =>
    safely(() => sessionStorage.setItem(PREFIX + name, value), undefined),
}
