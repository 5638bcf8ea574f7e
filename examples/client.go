// A client for StateKeep in Go, with its standard library alone: go run client.go
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
)

// Fields of a request or a result; protocol/README.md lists them.
type Fields map[string]any

// Client asks one thing at a time.
type Client struct {
	conn  net.Conn
	lines *bufio.Reader
	last  int
}

// Refusal is the daemon's error; its Code is stable.
type Refusal struct{ Code, Message, Hint string }

func (r *Refusal) Error() string { return r.Message + " " + r.Hint }

func Dial(path string) (*Client, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn, lines: bufio.NewReader(conn)}, nil
}

func (c *Client) Call(op string, fields Fields) (ok Fields, err error) {
	c.last++
	request := Fields{"op": op, "id": c.last}
	for name, value := range fields {
		request[name] = value
	}
	if err = json.NewEncoder(c.conn).Encode(request); err != nil {
		return nil, err
	}
	answer := struct {
		Ok    Fields
		Error *Refusal
	}{}
	line, err := c.lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &answer)
	}
	if err == nil && answer.Error != nil {
		return nil, answer.Error
	}
	return answer.Ok, err
}

func main() {
	client, err := Dial(os.Getenv("STATEKEEP_SOCKET"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	must := func(ok Fields, err error) Fields {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return ok
	}
	states := Fields{"open": Fields{"on": Fields{"PAY": "paid"}}, "paid": Fields{"type": "final"}}
	must(client.Call("deploy", Fields{"version": "go-order-v1", "definition": Fields{"initial": "open", "states": states}}))
	order := must(client.Call("spawn", Fields{"version": "go-order-v1"}))
	sent := must(client.Call("send", Fields{"actor": order["id"], "event": "PAY", "idempotency_key": "payment-815"}))
	fmt.Println(sent["state"], sent["status"])
	if _, err := client.Call("send", Fields{"actor": order["id"], "event": "PAY"}); err != nil {
		fmt.Println(err.(*Refusal).Code)
	}
}
