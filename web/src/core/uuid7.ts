// UUID version 7 (RFC 9562 §5.7), monotone: 48 bits of milliseconds, then a 12-bit counter, then chance.
//
// The id of a report is made on the phone, once, when the form opens, and is its primary key on the
// server: two taps, a lost reply and a replay are one report. Clock and chance come in as arguments.

export type RandomBytes = (count: number) => Uint8Array
export type NowMs = () => number

const COUNTER_MAX = 0xfff

/** A maker of ids that never go backwards, not even when the clock does. */
export function makeUuid7(now: NowMs, random: RandomBytes): () => string {
  let lastMs = -1
  let counter = 0
  return () => {
    const bytes = random(10)
    const ms = Math.floor(now())
    if (ms > lastMs) {
      lastMs = ms
      // The counter's top bit stays clear, so that 2,048 more ids fit into the same millisecond.
      counter = (((bytes[8] ?? 0) << 8) | (bytes[9] ?? 0)) & 0x7ff
    } else if (counter < COUNTER_MAX) {
      counter += 1
    } else {
      lastMs += 1
      counter = 0
    }
    const time = lastMs.toString(16).padStart(12, '0')
    const randA = counter.toString(16).padStart(3, '0')
    const randB = [((bytes[0] ?? 0) & 0x3f) | 0x80, ...bytes.slice(1, 8)]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('')
    return `${time.slice(0, 8)}-${time.slice(8)}-7${randA}-${randB.slice(0, 4)}-${randB.slice(4)}`
  }
}

/** The instant at which an id was made, as its first 48 bits say; null for another kind of id. */
export function madeAtMs(id: string): number | null {
  const hex = id.replaceAll('-', '')
  return /^[0-9a-f]{12}7[0-9a-f]{19}$/i.test(hex) ? Number.parseInt(hex.slice(0, 12), 16) : null
}
