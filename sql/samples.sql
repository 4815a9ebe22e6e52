-- Sample data, loaded by `vote-migrate --samples` into a database without accounts, in one
-- transaction. An account with the password '?' is given a random one; '*' fits no password.
-- Every tally is backed by rows in vote.

INSERT INTO user (id, name, phone, email, password, request_id) VALUES
  (1, '小满', '15400000001', 'xiaoman@example.com', '?', RANDOM_BYTES(16)),
  (2, '晨星', '15400000002', 'chenxing@example.com', '?', RANDOM_BYTES(16)),
  (3, '远山', '15400000003', 'yuanshan@example.com', '?', RANDOM_BYTES(16)),
  (4, '选民一', NULL, 'voter1@example.com', '*', RANDOM_BYTES(16)),
  (5, '选民二', NULL, 'voter2@example.com', '*', RANDOM_BYTES(16)),
  (6, '选民三', NULL, 'voter3@example.com', '*', RANDOM_BYTES(16)),
  (7, '选民四', NULL, 'voter4@example.com', '*', RANDOM_BYTES(16)),
  (8, '选民五', NULL, 'voter5@example.com', '*', RANDOM_BYTES(16)),
  (9, '选民六', NULL, 'voter6@example.com', '*', RANDOM_BYTES(16)),
  (10, '选民七', NULL, 'voter7@example.com', '*', RANDOM_BYTES(16)),
  (11, '选民八', NULL, 'voter8@example.com', '*', RANDOM_BYTES(16)),
  (12, '选民九', NULL, 'voter9@example.com', '*', RANDOM_BYTES(16));

INSERT INTO question (id, user_id, delete_flag, question_text, request_id) VALUES
  (1, 1, 0, '你最想学的编程语言?', RANDOM_BYTES(16)),
  (2, 2, 0, '你最喜欢的水果?', RANDOM_BYTES(16)),
  (3, 3, 0, '周末大家一起去哪里?', RANDOM_BYTES(16)),
  (4, 1, 0, '图书馆晚上开到几点合适?', RANDOM_BYTES(16)),
  (5, 2, 0, '班刊的名字选哪个?', RANDOM_BYTES(16)),
  (6, 1, 0, '这个问题还没有选项', RANDOM_BYTES(16)),
  (7, 2, 1, '已删除的问题', RANDOM_BYTES(16));

INSERT INTO choice (id, question_id, choice_text) VALUES
  (1, 1, 'python'), (2, 1, 'java'), (3, 1, 'go'),
  (4, 2, '香蕉'), (5, 2, '苹果'), (6, 2, '草莓'),
  (7, 3, '登山'), (8, 3, '博物馆'), (9, 3, '湖边野餐'),
  (10, 4, '20:00'), (11, 4, '21:00'), (12, 4, '22:00'),
  (13, 5, '《风,雨》'), (14, 5, '《山|海》'), (15, 5, '《<新芽>》'),
  (16, 7, '甲'), (17, 7, '乙');

-- Questions 1 to 3: three votes, two, one. Question 4: four, four, one. Question 7: one.
INSERT INTO vote (question_id, user_id, choice_id, request_id, receipt)
  SELECT c.question_id, u.id, c.id, RANDOM_BYTES(16), RANDOM_BYTES(16)
  FROM user u JOIN choice c ON
    (c.question_id IN (1, 2, 3) AND c.id = c.question_id * 3 - 2 AND u.id BETWEEN 4 AND 6) OR
    (c.question_id IN (1, 2, 3) AND c.id = c.question_id * 3 - 1 AND u.id BETWEEN 7 AND 8) OR
    (c.question_id IN (1, 2, 3) AND c.id = c.question_id * 3 AND u.id = 9) OR
    (c.id = 10 AND u.id BETWEEN 4 AND 7) OR
    (c.id = 11 AND u.id BETWEEN 8 AND 11) OR
    (c.id = 12 AND u.id = 12) OR
    (c.id = 16 AND u.id = 4);

UPDATE choice c SET c.votes = (SELECT COUNT(*) FROM vote v WHERE v.choice_id = c.id);
