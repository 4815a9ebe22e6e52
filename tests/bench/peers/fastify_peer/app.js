// node app.js PORT MYSQL_SOCKET USER PASSWORD DATABASE REDIS_SOCKET: one process, no access log.
import { randomBytes } from 'node:crypto'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import mysql from 'mysql2/promise'
import { page } from './page.js'

const [port, socketPath, account, password, database, redisSocket] = process.argv.slice(2)
const PAGE = 50
const OPEN = 'q.delete_flag = 0 AND (q.closes_at IS NULL OR q.closes_at > UTC_TIMESTAMP())'

const db = mysql.createPool({
  socketPath, user: account, password, database, connectionLimit: 10, dateStrings: true, charset: 'utf8mb4'
})
db.pool.on('connection', connection => connection.query("SET time_zone = '+00:00', tx_isolation = 'READ-COMMITTED'"))
const redis = new Redis({ path: redisSocket, enableAutoPipelining: true })
const app = Fastify()
app.register(formbody)

const select = async (sql, values) => (await db.execute(sql, values))[0]

// The account of a log-in, or null once the answer is a redirect.
async function currentUser (request, reply) {
  const id = /(?:^|;\s*)sessionid=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]
  const text = id && await redis.get('sessionid_' + id)
  const uid = text && JSON.parse(text).session.uid
  const users = uid ? await select('SELECT id, name FROM user WHERE id = ? AND delete_flag = 0', [uid]) : []
  if (!users.length) reply.redirect('/login')
  return users[0] ?? null
}

async function openQuestions () {
  const rows = await select('SELECT q.id, u.name AS owner_name, q.question_text, q.create_time, q.closes_at' +
    ' FROM question q LEFT JOIN user u ON u.id = q.user_id AND u.delete_flag = 0' +
    ` WHERE ${OPEN} ORDER BY q.id DESC LIMIT ${PAGE + 1}`)
  const found = new Map(rows.map(row => [row.id, { ...row, choices: [] }]))
  if (rows.length) {
    const choices = await select('SELECT question_id, id, choice_text FROM choice WHERE delete_flag = 0' +
      ` AND question_id IN (${rows.map(() => '?')}) ORDER BY question_id, id`, [...found.keys()])
    for (const choice of choices) found.get(choice.question_id).choices.push(choice)
  }
  return [...found.values()]
}

app.get('/hello', async () => 'Hello Aiohttp!')

app.get('/questions/:id/choice', request => select(
  'SELECT c.id, c.delete_flag, c.choice_text, c.votes, c.question_id, c.create_time' +
  ' FROM choice c JOIN question q ON q.id = c.question_id' +
  ' WHERE c.question_id = ? AND c.delete_flag = 0 AND q.delete_flag = 0 ORDER BY c.id', [request.params.id]))

app.get('/questions', async (request, reply) => {
  const user = await currentUser(request, reply)
  if (!user) return reply
  const voted = new Set((await select('SELECT v.question_id FROM vote v JOIN question q' +
    ` ON q.id = v.question_id WHERE v.user_id = ? AND ${OPEN}`, [user.id])).map(row => row.question_id))
  const rows = await openQuestions()
  const shown = rows.slice(0, PAGE)
  for (const row of shown) Object.assign(row, { voted: voted.has(row.id), request_id: randomBytes(16).toString('hex') })
  reply.type('text/html; charset=utf-8')
  return page(user, shown, rows.length > PAGE ? shown[PAGE - 1].id : 0)
})

app.post('/questions/:id/vote', async (request, reply) => {
  const user = await currentUser(request, reply)
  if (!user) return reply
  const receipt = randomBytes(16)
  const connection = await db.getConnection()
  let counted
  try {
    await connection.beginTransaction()
    const [stored] = await connection.execute(
      'INSERT IGNORE INTO vote (question_id, user_id, choice_id, request_id, receipt) VALUES (?, ?, ?, ?, ?)',
      [request.params.id, user.id, request.body.choice_id, randomBytes(16), receipt])
    counted = stored.affectedRows
    if (counted) await connection.execute('UPDATE choice SET votes = votes + 1 WHERE id = ?', [request.body.choice_id])
    await connection.commit()
  } catch (error) {
    await connection.rollback()
    throw error
  } finally {
    connection.release()
  }
  if (!counted) return reply.code(409).send({ error_code: 20012, error_msg: 'already voted' })
  return { error_code: 0, error_msg: 'ok', receipt: receipt.toString('hex') }
})

process.on('SIGTERM', () => process.exit(0))
await app.listen({ port: Number(port), host: '127.0.0.1' })
