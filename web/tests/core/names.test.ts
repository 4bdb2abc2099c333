import { expect, test } from 'vitest'
import { cellTitle, shortCellName, showCellCode } from '../../src/core/names.ts'

test('a cell code is shown in its parts, other text as it is', () => {
  expect('120116 005 017 002').toBe(showCellCode('120116005017002'))
  expect('12').toBe(showCellCode('12'))
})

test('a cell is not called by its community twice', () => {
  expect('吉庆里社区 第2网格').toBe(cellTitle('吉庆里社区第2网格', '吉庆里社区'))
  expect('第2网格').toBe(shortCellName('第2网格', '吉庆里社区'))
  expect('吉庆里社区').toBe(shortCellName('吉庆里社区', '吉庆里社区'))
})
