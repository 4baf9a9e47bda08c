// main.go - go NAME: asks what a line of its input says, with the client NAME.
//
// A client has a function for each thing that it can do: chat, stream, tools,
// embeddings, upload, responses, rstream, rtools.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
)

const (
	key    = "sk-clients"
	prompt = "hello"
	about  = "What the weather will be."
)

var parameters = map[string]any{
	"type": "object",
	"properties": map[string]any{
		"city": map[string]any{"type": "string"},
		"days": map[string]any{"type": "integer"},
	},
	"required":             []string{"city", "days"},
	"additionalProperties": false,
}

type client map[string]func(url, what string) (string, error)

var clients = map[string]client{"openai": official, "langchaingo": langchain}

func called(name, arguments string) (string, error) {
	var a struct {
		City string
		Days int
	}
	err := json.Unmarshal([]byte(arguments), &a)
	return fmt.Sprintf("%s %s %d", name, a.City, a.Days), err
}

func vectors[T float32 | float64](all [][]T) string {
	last := all[len(all)-1]
	return fmt.Sprintf("%d %d %.0f %.0f", len(all), len(last),
		math.Round(float64(last[0])*100)+0, math.Round(float64(last[31])*100)+0)
}

func inALine(text string) string { return strings.Join(strings.Fields(text), " ") }

func ask(call func(url, what string) (string, error), url, what string) string {
	if call == nil {
		return "-"
	}
	text, err := call(url, what)
	if err != nil {
		return fmt.Sprintf("! %T: %s", err, inALine(err.Error()))
	}
	return "= " + inALine(text)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		fmt.Println(ask(clients[os.Args[1]][words[0]], words[1], words[2]))
	}
}
