// How cells are called: their code in its parts, and a name that does not repeat the community's.

/** A 15-digit cell code in its parts 6+3+3+3, as people read it. */
export const showCellCode = (code: string): string =>
  code.length === 15 ? code.replace(/^(.{6})(.{3})(.{3})(.{3})$/, '$1 $2 $3 $4') : code

/** 吉庆里社区第2网格 → 第2网格, where the community stands beside it anyway. */
export function shortCellName(name: string, community: string): string {
  const rest = name.startsWith(community) ? name.slice(community.length).trim() : ''
  return rest || name
}

/** Community and cell, each said once. */
export const cellTitle = (name: string, community: string): string =>
  `${community} ${shortCellName(name, community)}`
