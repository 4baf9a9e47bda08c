package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
)

// The official SDK.
var official = client{
	"chat": func(url, model string) (string, error) {
		answer, err := connect(url).Chat.Completions.New(context.Background(), chatOf(model))
		if err != nil {
			return "", err
		}
		return answer.Choices[0].Message.Content, nil
	},
	"stream": func(url, model string) (string, error) {
		message, err := read(url, chatOf(model))
		return message.Content, err
	},
	"tools": func(url, model string) (string, error) {
		ask := chatOf(model)
		ask.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(
			openai.FunctionDefinitionParam{Name: "weather", Description: param.NewOpt(about), Parameters: parameters})}
		message, err := read(url, ask)
		if err != nil {
			return "", err
		}
		call := message.ToolCalls[0].Function
		return called(call.Name, call.Arguments)
	},
	"embeddings": func(url, model string) (string, error) {
		answer, err := connect(url).Embeddings.New(context.Background(), openai.EmbeddingNewParams{
			Model: model,
			Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"first", "second"}},
		})
		if err != nil {
			return "", err
		}
		return vectors([][]float64{answer.Data[0].Embedding, answer.Data[1].Embedding}), nil
	},
	"upload": func(url, path string) (string, error) {
		file, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer file.Close()
		answer, err := connect(url).Files.New(context.Background(),
			openai.FileNewParams{File: file, Purpose: openai.FilePurposeBatch})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s %d", answer.Filename, answer.Bytes), nil
	},
	"responses": func(url, model string) (string, error) {
		answer, err := connect(url).Responses.New(context.Background(), responseOf(model))
		if err != nil {
			return "", err
		}
		return answer.OutputText(), nil
	},
	"rstream": func(url, model string) (string, error) {
		answer, err := readResponse(url, responseOf(model))
		return answer.OutputText(), err
	},
	"rtools": func(url, model string) (string, error) {
		ask := responseOf(model)
		ask.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("weather", parameters, true)}
		answer, err := readResponse(url, ask)
		if err != nil {
			return "", err
		}
		return called(answer.Output[0].Name, answer.Output[0].Arguments.OfString)
	},
}

func connect(url string) *openai.Client {
	client := openai.NewClient(option.WithBaseURL(url), option.WithAPIKey(key))
	return &client
}

func chatOf(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)},
	}
}

func responseOf(model string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: model,
		Input: responses.ResponseNewParamsInputUnion{OfString: param.NewOpt(prompt)},
	}
}

func read(url string, ask openai.ChatCompletionNewParams) (openai.ChatCompletionMessage, error) {
	stream := connect(url).Chat.Completions.NewStreaming(context.Background(), ask)
	whole := openai.ChatCompletionAccumulator{}
	for stream.Next() {
		whole.AddChunk(stream.Current())
	}
	if err := stream.Err(); err != nil || len(whole.Choices) == 0 {
		return openai.ChatCompletionMessage{}, err
	}
	return whole.Choices[0].Message, nil
}

// Its stream has events only: the last one tells how it ended.
func readResponse(url string, ask responses.ResponseNewParams) (responses.Response, error) {
	stream := connect(url).Responses.NewStreaming(context.Background(), ask)
	last := responses.ResponseStreamEventUnion{}
	for stream.Next() {
		last = stream.Current()
	}
	if err := stream.Err(); err != nil {
		return responses.Response{}, err
	}
	if last.Type != "response.completed" {
		return responses.Response{}, fmt.Errorf("the last event is %s", strings.TrimSpace(last.Type))
	}
	return last.Response, nil
}
