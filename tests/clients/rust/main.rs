// main.rs - asks what a line of its input says, with async-openai.
//
// A row of ask() for each thing that the client can do.

use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatCompletionMessageToolCallChunk, ChatCompletionRequestUserMessage, ChatCompletionTool,
    ChatCompletionTools, CreateChatCompletionRequest, CreateChatCompletionRequestArgs, FunctionObject,
};
use async_openai::types::embeddings::CreateEmbeddingRequestArgs;
use async_openai::types::files::{CreateFileRequest, FileInput, FilePurpose};
use async_openai::types::responses::{
    CreateResponse, CreateResponseArgs, FunctionTool, OutputItem, Response, ResponseStreamEvent, Tool,
};
use async_openai::types::InputSource;
use async_openai::Client;
use futures::StreamExt;
use serde_json::{json, Value};
use std::error::Error;
use std::io::BufRead;

const KEY: &str = "sk-clients";
const PROMPT: &str = "hello";
const ABOUT: &str = "What the weather will be.";

type Told = Result<String, Box<dyn Error>>;

fn connect(url: &str) -> Client<OpenAIConfig> {
    Client::with_config(OpenAIConfig::new().with_api_base(url).with_api_key(KEY))
}

fn parameters() -> Value {
    json!({"type": "object", "required": ["city", "days"], "additionalProperties": false,
           "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}})
}

fn called(name: &str, arguments: &str) -> Told {
    let a: Value = serde_json::from_str(arguments)?;
    Ok(format!("{name} {} {}", a["city"].as_str().ok_or("no city")?, a["days"]))
}

fn chat_of(model: &str) -> Result<CreateChatCompletionRequestArgs, Box<dyn Error>> {
    let mut ask = CreateChatCompletionRequestArgs::default();
    ask.model(model).messages([ChatCompletionRequestUserMessage::from(PROMPT).into()]);
    Ok(ask)
}

async fn chat(url: &str, model: &str) -> Told {
    let answer = connect(url).chat().create(chat_of(model)?.build()?).await?;
    Ok(answer.choices[0].message.content.clone().unwrap_or_default())
}

async fn read(
    url: &str,
    ask: CreateChatCompletionRequest,
) -> Result<(String, Vec<ChatCompletionMessageToolCallChunk>), Box<dyn Error>> {
    let mut events = connect(url).chat().create_stream(ask).await?;
    let (mut text, mut calls) = (String::new(), Vec::new());
    while let Some(event) = events.next().await {
        for choice in event?.choices {
            text += &choice.delta.content.unwrap_or_default();
            calls.extend(choice.delta.tool_calls.unwrap_or_default());
        }
    }
    Ok((text, calls))
}

async fn stream(url: &str, model: &str) -> Told {
    Ok(read(url, chat_of(model)?.build()?).await?.0)
}

async fn tools(url: &str, model: &str) -> Told {
    let weather = FunctionObject {
        name: "weather".into(),
        description: Some(ABOUT.into()),
        parameters: Some(parameters()),
        strict: None,
    };
    let ask = chat_of(model)?
        .tools([ChatCompletionTools::Function(ChatCompletionTool { function: weather })].to_vec())
        .build()?;
    let (mut name, mut arguments) = (String::new(), String::new());
    for call in read(url, ask).await?.1 {
        let function = call.function.ok_or("no function")?;
        name += &function.name.unwrap_or_default();
        arguments += &function.arguments.unwrap_or_default();
    }
    called(&name, &arguments)
}

async fn embeddings(url: &str, model: &str) -> Told {
    let ask = CreateEmbeddingRequestArgs::default().model(model).input(["first", "second"]).build()?;
    let data = connect(url).embeddings().create(ask).await?.data;
    let last = &data[data.len() - 1].embedding;
    let hundredths = |x: f32| (x * 100.0).round() as i64;
    Ok(format!("{} {} {} {}", data.len(), last.len(), hundredths(last[0]), hundredths(last[31])))
}

async fn upload(url: &str, path: &str) -> Told {
    let ask = CreateFileRequest {
        file: FileInput { source: InputSource::Path { path: path.into() } },
        purpose: FilePurpose::Batch,
        ..Default::default()
    };
    let answer = connect(url).files().create(ask).await?;
    Ok(format!("{} {}", answer.filename, answer.bytes.unwrap_or_default()))
}

fn response_of(model: &str) -> CreateResponseArgs {
    let mut ask = CreateResponseArgs::default();
    ask.model(model).input(PROMPT);
    ask
}

async fn responses(url: &str, model: &str) -> Told {
    let answer = connect(url).responses().create(response_of(model).build()?).await?;
    Ok(answer.output_text().unwrap_or_default())
}

// Its stream has events only: the last one tells how it ended.
async fn last(url: &str, ask: CreateResponse) -> Result<Response, Box<dyn Error>> {
    let mut events = connect(url).responses().create_stream(ask).await?;
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event?);
    }
    match last {
        Some(ResponseStreamEvent::ResponseCompleted(event)) => Ok(event.response),
        other => Err(format!("the last event is {other:?}").into()),
    }
}

async fn rstream(url: &str, model: &str) -> Told {
    Ok(last(url, response_of(model).build()?).await?.output_text().unwrap_or_default())
}

async fn rtools(url: &str, model: &str) -> Told {
    let weather: FunctionTool = serde_json::from_value(
        json!({"name": "weather", "description": ABOUT, "parameters": parameters(), "strict": true}),
    )?;
    let ask = response_of(model).tools([Tool::Function(weather)].to_vec()).build()?;
    match last(url, ask).await?.output.first() {
        Some(OutputItem::FunctionCall(call)) => called(&call.name, &call.arguments),
        other => Err(format!("no call but {other:?}").into()),
    }
}

async fn ask(how: &str, url: &str, what: &str) -> Option<Told> {
    Some(match how {
        "chat" => chat(url, what).await,
        "stream" => stream(url, what).await,
        "tools" => tools(url, what).await,
        "embeddings" => embeddings(url, what).await,
        "upload" => upload(url, what).await,
        "responses" => responses(url, what).await,
        "rstream" => rstream(url, what).await,
        "rtools" => rtools(url, what).await,
        _ => return None,
    })
}

fn in_a_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::main]
async fn main() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        match ask(words[0], words[1], words[2]).await {
            None => println!("-"),
            Some(Ok(text)) => println!("= {}", in_a_line(&text)),
            Some(Err(e)) => println!("! {}", in_a_line(&e.to_string())),
        }
    }
}
