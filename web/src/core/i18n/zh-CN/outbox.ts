// 待发箱：手机里还没有送达的每一件。

export const texts = {
  outbox: {
    state: {
      queued: '等待发送',
      sending: '发送中',
      sent: '已送达',
      refused: '被退回',
      conflict: '需要您看',
      held: '排在后面',
    },
    photos: '照片 {stored}/{all} 已送达',
    photo_stored: '已送达',
    held: '等“{title}”处理好再发',
    held_long: '同一案件的前一步“{title}”没有办成，这一步排在它后面。处理好前一步，这一步会自动发送。',
    see_it: '查看前一步',
    arrived: '已送达',
    conflict: '案件已有变化',
    conflict_short: '案件已有变化，请查看',
    conflict_hint: '您办理时看到的案件，后来别人已经动过。没有覆盖任何内容，请您决定。',
    meant: '您要办的',
    now: '案件现在',
    now_unknown: '联网后显示',
    look: '再看一次',
    redo: '按现在的情况再办',
    drop: '放弃这一步',
    conflict_over: '案件现在的环节不能再办这一步。可以打开案件看看，或放弃这一步。',
    drop_sure: '删除这一件？它没有送达，照片也会一并从本页删除。',
    gone: '这一件已不在这部手机里，或不是您的。',
    of_others: '这部手机里还有别人的 {n} 件等待发送，要等本人登录后才发，内容不显示。',
    storage_low: '手机给本页的空间快满了（已用 {used} MB，共 {quota} MB）。请尽快联网发送，或清理手机。',
  },
}
