// Ids made in the browser, with its clock and its chance.

import { makeUuid7 } from '../core/uuid7.ts'

export const newId = makeUuid7(Date.now, (count) => crypto.getRandomValues(new Uint8Array(count)))
