// The same pages on Go's usual stack: net/http, database/sql, redigo, html/template. No access log.
// go_peer PORT LOGIN REDIS_SOCKET PAGE, LOGIN as go-sql-driver takes it, PAGE the file page.html.
package main

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/gomodule/redigo/redis"
)

const (
	pageSize = 50
	open     = "q.delete_flag = 0 AND (q.closes_at IS NULL OR q.closes_at > UTC_TIMESTAMP())"
	form     = "2006-01-02 15:04:05"
)

var (
	page     *template.Template
	db       *sql.DB
	sessions *redis.Pool

	userQuery, votedQuery, questionQuery, choiceQuery, tallyQuery *sql.Stmt
)

type user struct {
	ID   int64
	Name string
}

type choice struct {
	ID   int64
	Text string
}

type question struct {
	ID                                      int64
	Owner, Text, Created, Closes, RequestID string
	Voted                                   bool
	Choices                                 []choice
}

type tally struct {
	ID         int64  `json:"id"`
	DeleteFlag int    `json:"delete_flag"`
	ChoiceText string `json:"choice_text"`
	Votes      int    `json:"votes"`
	QuestionID int64  `json:"question_id"`
	CreateTime string `json:"create_time"`
}

func random() []byte {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		log.Fatal(err)
	}
	return id
}

// A UTC time as the site's people read it.
func local(text string) string {
	at, err := time.Parse(form, text)
	if err != nil {
		return ""
	}
	return at.Add(8 * time.Hour).Format("2006-01-02 15:04")
}

// The account of a log-in, or nil once the answer is a redirect.
func current(w http.ResponseWriter, r *http.Request) *user {
	if cookie, err := r.Cookie("sessionid"); err == nil {
		connection := sessions.Get()
		text, err := redis.Bytes(connection.Do("GET", "sessionid_"+cookie.Value))
		connection.Close()
		var value struct{ Session struct{ UID int64 } }
		found := &user{}
		if err == nil && json.Unmarshal(text, &value) == nil &&
			userQuery.QueryRow(value.Session.UID).Scan(&found.ID, &found.Name) == nil {
			return found
		}
	}
	http.Redirect(w, r, "/login", http.StatusFound)
	return nil
}

// Each row of a statement.
func each(statement *sql.Stmt, row func(*sql.Rows) error, parameters ...interface{}) error {
	rows, err := statement.Query(parameters...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func openQuestions() ([]*question, error) {
	found, byID := []*question{}, map[int64]*question{}
	err := each(questionQuery, func(rows *sql.Rows) error {
		q, closes := &question{RequestID: hex.EncodeToString(random())}, sql.NullString{}
		err := rows.Scan(&q.ID, &q.Owner, &q.Text, &q.Created, &closes)
		q.Created, q.Closes = local(q.Created), local(closes.String)
		found, byID[q.ID] = append(found, q), q
		return err
	}, pageSize+1)
	if err != nil || len(found) == 0 {
		return found, err
	}
	// A page's ids lie close together: the choices of all from the last to the first.
	err = each(choiceQuery, func(rows *sql.Rows) error {
		var of int64
		c := choice{}
		err := rows.Scan(&of, &c.ID, &c.Text)
		if q := byID[of]; q != nil {
			q.Choices = append(q.Choices, c)
		}
		return err
	}, found[len(found)-1].ID, found[0].ID)
	return found, err
}

func showQuestions(w http.ResponseWriter, r *http.Request) {
	who := current(w, r)
	if who == nil {
		return
	}
	voted := map[int64]bool{}
	err := each(votedQuery, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		voted[id] = true
		return err
	}, who.ID)
	var found []*question
	if err == nil {
		found, err = openQuestions()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	older := int64(0)
	if len(found) > pageSize {
		found = found[:pageSize]
		older = found[pageSize-1].ID
	}
	for _, q := range found {
		q.Voted = voted[q.ID]
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	page.Execute(w, map[string]interface{}{"User": who, "Questions": found, "Older": older})
}

func showTallies(w http.ResponseWriter, id int64) {
	found := []tally{}
	err := each(tallyQuery, func(rows *sql.Rows) error {
		t := tally{}
		err := rows.Scan(&t.ID, &t.DeleteFlag, &t.ChoiceText, &t.Votes, &t.QuestionID, &t.CreateTime)
		found = append(found, t)
		return err
	}, id)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(found)
}

// One durable transaction a vote; false: this account has voted already.
func store(question, user int64, choice string, receipt []byte) (bool, error) {
	transaction, err := db.Begin()
	if err != nil {
		return false, err
	}
	defer transaction.Rollback()
	result, err := transaction.Exec("INSERT IGNORE INTO vote (question_id, user_id, choice_id, request_id,"+
		" receipt) VALUES (?, ?, ?, ?, ?)", question, user, choice, random(), receipt)
	if err != nil {
		return false, err
	}
	counted, err := result.RowsAffected()
	if err == nil && counted > 0 {
		_, err = transaction.Exec("UPDATE choice SET votes = votes + 1 WHERE id = ?", choice)
	}
	if err != nil {
		return false, err
	}
	return counted > 0, transaction.Commit()
}

func castVote(w http.ResponseWriter, r *http.Request, id int64) {
	who := current(w, r)
	if who == nil {
		return
	}
	receipt := random()
	counted, err := store(id, who.ID, r.PostFormValue("choice_id"), receipt)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if !counted {
		w.WriteHeader(http.StatusConflict)
		json.NewEncoder(w).Encode(map[string]interface{}{"error_code": 20012, "error_msg": "already voted"})
		return
	}
	json.NewEncoder(w).Encode(map[string]interface{}{
		"error_code": 0, "error_msg": "ok", "receipt": hex.EncodeToString(receipt)})
}

func prepare(text string) *sql.Stmt {
	statement, err := db.Prepare(text)
	if err != nil {
		log.Fatal(err)
	}
	return statement
}

func connect(login, redisSocket string) {
	var err error
	if db, err = sql.Open("mysql", login+"?charset=utf8mb4&interpolateParams=true&time_zone=%27%2B00%3A00%27&tx_isolation="+
		"%27READ-COMMITTED%27"); err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(10)
	db.SetMaxIdleConns(10)
	sessions = &redis.Pool{MaxIdle: 64, MaxActive: 64, Wait: true, Dial: func() (redis.Conn, error) {
		return redis.Dial("unix", redisSocket)
	}}
	userQuery = prepare("SELECT id, name FROM user WHERE id = ? AND delete_flag = 0")
	votedQuery = prepare("SELECT v.question_id FROM vote v JOIN question q ON q.id = v.question_id" +
		" WHERE v.user_id = ? AND " + open)
	questionQuery = prepare("SELECT q.id, COALESCE(u.name, ''), q.question_text, q.create_time, q.closes_at" +
		" FROM question q LEFT JOIN user u ON u.id = q.user_id AND u.delete_flag = 0 WHERE " + open +
		" ORDER BY q.id DESC LIMIT ?")
	choiceQuery = prepare("SELECT question_id, id, choice_text FROM choice WHERE delete_flag = 0" +
		" AND question_id BETWEEN ? AND ? ORDER BY question_id, id")
	tallyQuery = prepare("SELECT c.id, c.delete_flag, c.choice_text, c.votes, c.question_id, c.create_time" +
		" FROM choice c JOIN question q ON q.id = c.question_id" +
		" WHERE c.question_id = ? AND c.delete_flag = 0 AND q.delete_flag = 0 ORDER BY c.id")
}

func main() {
	connect(os.Args[2], os.Args[3])
	page = template.Must(template.ParseFiles(os.Args[4]))
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("Hello Aiohttp!"))
	})
	http.HandleFunc("/questions", showQuestions)
	http.HandleFunc("/questions/", func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.URL.Path, "/")
		id, err := strconv.ParseInt(parts[2], 10, 64)
		switch {
		case err == nil && len(parts) == 4 && parts[3] == "choice" && r.Method == http.MethodGet:
			showTallies(w, id)
		case err == nil && len(parts) == 4 && parts[3] == "vote" && r.Method == http.MethodPost:
			castVote(w, r, id)
		default:
			http.NotFound(w, r)
		}
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
