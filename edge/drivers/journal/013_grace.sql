-- From which register on an invalid tag draws on its grace. Of a session that knows no better, from its first.

ALTER TABLE transactions ADD COLUMN deauthorised_wh INTEGER;

UPDATE transactions SET deauthorised_wh = begin_wh
WHERE json_extract(id_tag_info, '$.status') <> 'Accepted';
