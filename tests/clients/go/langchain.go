package main

import (
	"context"
	"strings"

	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/openai"
)

// langchaingo, which gives a stream to a function and then all of it.
var langchain = client{
	"chat": func(url, model string) (string, error) {
		llm, err := link(url, model)
		if err != nil {
			return "", err
		}
		return llms.GenerateFromSinglePrompt(context.Background(), llm, prompt)
	},
	"stream": func(url, model string) (string, error) {
		text := strings.Builder{}
		whole, err := flow(url, model, llms.WithStreamingFunc(func(_ context.Context, piece []byte) error {
			text.Write(piece)
			return nil
		}))
		if err != nil {
			return "", err
		}
		if text.String() != whole.Content {
			return text.String() + " / " + whole.Content, nil
		}
		return whole.Content, nil
	},
	"tools": func(url, model string) (string, error) {
		whole, err := flow(url, model,
			llms.WithStreamingFunc(func(context.Context, []byte) error { return nil }),
			llms.WithTools([]llms.Tool{{Type: "function", Function: &llms.FunctionDefinition{
				Name: "weather", Description: about, Parameters: parameters}}}))
		if err != nil {
			return "", err
		}
		call := whole.ToolCalls[0].FunctionCall
		return called(call.Name, call.Arguments)
	},
	"embeddings": func(url, model string) (string, error) {
		llm, err := link(url, model)
		if err != nil {
			return "", err
		}
		all, err := llm.CreateEmbedding(context.Background(), []string{"first", "second"})
		if err != nil {
			return "", err
		}
		return vectors(all), nil
	},
}

func link(url, model string) (*openai.LLM, error) {
	return openai.New(openai.WithBaseURL(url), openai.WithToken(key), openai.WithModel(model),
		openai.WithEmbeddingModel(model))
}

func flow(url, model string, options ...llms.CallOption) (*llms.ContentChoice, error) {
	llm, err := link(url, model)
	if err != nil {
		return nil, err
	}
	answer, err := llm.GenerateContent(context.Background(),
		[]llms.MessageContent{llms.TextParts(llms.ChatMessageTypeHuman, prompt)}, options...)
	if err != nil {
		return nil, err
	}
	return answer.Choices[0], nil
}
